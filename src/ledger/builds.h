#pragma once
/*
 * Reads builds from the ledger. Functions that look for one return 1 if it is there, 0 if
 * not, and -1 (printed) if the ledger cannot be read. They free *ret first, so that one
 * variable serves a whole walk.
 */
#include "ledger/ledger.h"

/*
 * A walk along the chain from the newest build back. It skips commits that are not
 * builds. At a break in the chain it warns and goes on with the newest older build that
 * an agent's reference or a bridge names; if there is none, it ends.
 *
 *	struct build_walk walk = builds_walk(ledger, target);
 *	_cleanup_build_ struct build build = BUILD_INIT;
 *	while ((found = builds_next(&build, &walk)) > 0)
 */
struct build_walk {
	struct ledger *ledger;
	const char *target;    /* NULL: any */
	bool with_snapshot;    /* only those */
	bool begins_anew;      /* it is no error if nothing at all is left */
	const char *reference; /* where it starts; NULL: the chain */
	unsigned left;         /* commits that are still looked at */
	git_oid next;          /* zero at the start: the tip */
	uint64_t below;        /* what is next has a lower number */
	bool started;
};

/* Where a walk ends unless .left is changed: so it takes only milliseconds. */
#define BUILDS_WALKED 500

struct build_walk builds_walk(struct ledger *ledger, const char *target);
/* Refused calls, newest first. They are not builds and have no number. */
struct build_walk refusals_walk(struct ledger *ledger);
/* The earlier builds of the same target that have a snapshot. */
struct build_walk builds_walk_before(struct ledger *ledger, const struct build *build);
int builds_next(struct build *ret, struct build_walk *walk) _must_check_;

/* The newest build of the chain. */
int build_tip(struct build *ret, struct ledger *ledger) _must_check_;
/* Only a build whose outcome is known; build_by_number() also finds running ones. */
int build_in_chain(
	struct build *ret, struct ledger *ledger, uint64_t number) _must_check_;
int build_by_number(
	struct build *ret, struct ledger *ledger, uint64_t number) _must_check_;
/* The agent's last build of the target; NULL: its newest of all targets. */
int build_by_agent(struct build *ret, struct ledger *ledger, const char *target,
	const char *agent) _must_check_;
/*
 * Whether the build itself made its System-After. For a build that failed before it
 * changed anything, System-After is the old system.
 */
bool build_made_its_system(const struct build *build);
/* The newest build on this machine that made this system. */
int build_by_system(
	struct build *ret, struct ledger *ledger, const char *store_path) _must_check_;
/* The build that was live on the target at that time. */
int build_live_at(struct build *ret, struct ledger *ledger, const char *target,
	time_t when) _must_check_;

/*
 * How long such a command usually takes: the median of its last builds that took effect,
 * else of the target's; 0 if there are none.
 */
int build_expected_seconds(int64_t *ret, struct ledger *ledger, const char *target,
	const char *command) _must_check_;

/*
 * The builds that have begun and are not in the chain yet, lowest number first. ended
 * (may be NULL) gets those that are listed as running by mistake: they are in the chain,
 * or their reference names another build (then only .number is set).
 */
int builds_running(
	struct builds *ret, struct builds *ended, struct ledger *ledger) _must_check_;

/* Whether one of these builds ("43,44"; NULL: none) is the agent's; then *ret is its
 * number. */
bool builds_name_one_of(
	struct ledger *ledger, const char *names, const char *agent, char **ret);

/*
 * A build: 43, last, live, @AGENT, gen:142, a store path. Prints and returns -1 if there
 * is no such build or the ledger cannot be read.
 */
int build_by_name(struct build *ret, struct ledger *ledger,
	const struct settings *settings, const char *text) _must_check_;
