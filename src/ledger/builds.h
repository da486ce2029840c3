#pragma once
/*
 * Reading builds out of the ledger. Functions that look for one return 1 where it is
 * there, 0 where it is not, and -1 (printed) where the ledger cannot be read.
 */
#include "ledger/ledger.h"

struct build {
	git_oid commit;
	git_oid tree;   /* the snapshot; empty where the build had none */
	git_oid parent; /* the build that joined the chain before; zero for the first */
	struct record record;
};

void build_free(struct build *build);
#define _cleanup_build_ _cleanup_(build_free)

uint64_t build_number(const struct build *build);
bool build_has_snapshot(const struct build *build);
bool build_is_running(
	const struct build *build); /* as recorded; its runner may be dead */

/* The newest build of the chain. */
int build_tip(struct build *ret, struct ledger *ledger) _must_check_;
/* Moves on to the build before; 0 leaves *build freed. */
int build_step_back(struct build *build, struct ledger *ledger) _must_check_;

/* Only among those whose outcome is known. */
int build_in_chain(
	struct build *ret, struct ledger *ledger, uint64_t number) _must_check_;
int build_by_number(
	struct build *ret, struct ledger *ledger, uint64_t number) _must_check_;
/* The agent's last build of the target. */
int build_by_agent(struct build *ret, struct ledger *ledger, const char *target,
	const char *agent) _must_check_;
/* The build that made this system: the newest whose System-After it is. */
int build_by_system(struct build *ret, struct ledger *ledger, const char *target,
	const char *store_path) _must_check_;
/* The build that was live at that time. */
int build_live_at(struct build *ret, struct ledger *ledger, const char *target,
	time_t when) _must_check_;

/*
 * How long such a command has taken: the median of its last successful builds, else of
 * the target's; 0 where there are none.
 */
int build_expected_seconds(int64_t *ret, struct ledger *ledger, const char *target,
	const char *command) _must_check_;

/* All builds under refs/running, lowest number first; the caller frees each and the
 * array. */
int builds_running(
	struct build **ret, size_t *ret_len, struct ledger *ledger) _must_check_;
