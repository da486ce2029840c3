#pragma once
/*
 * Reading builds out of the ledger. Functions that look for one return 1 where it is
 * there, 0 where it is not, and -1 (printed) where the ledger cannot be read; *ret is
 * freed first, so that one variable serves a whole walk.
 */
#include "ledger/ledger.h"

/*
 * The chain from the newest build on, or from .next on where that is set. A commit in it
 * that is no build is passed over, and what has been lost is bridged (and said) by the
 * agents' references, and ends the walk where these lead no further.
 *
 *	struct build_walk walk = builds_walk(ledger, target);
 *	_cleanup_build_ struct build build = BUILD_INIT;
 *	while ((found = builds_next(&build, &walk)) > 0)
 */
struct build_walk {
	struct ledger *ledger;
	const char *target;    /* NULL: any */
	bool with_snapshot;    /* only those */
	bool begins_anew;      /* where nothing at all is left, that is no error */
	const char *reference; /* where it starts; NULL: the chain */
	unsigned left;         /* commits that are still looked at */
	git_oid next;          /* zero at the start: the tip */
	uint64_t below;        /* what is next has a lower number */
	bool started;
};

/* A walk looks no further back, so that it takes milliseconds only. */
#define BUILDS_WALKED 500

struct build_walk builds_walk(struct ledger *ledger, const char *target);
/* Calls that were refused, newest first. They are no builds and have no number. */
struct build_walk refusals_walk(struct ledger *ledger);
/* The builds before this one, of its target, that have a snapshot. */
struct build_walk builds_walk_before(struct ledger *ledger, const struct build *build);
int builds_next(struct build *ret, struct build_walk *walk) _must_check_;

/* The newest build of the chain. */
int build_tip(struct build *ret, struct ledger *ledger) _must_check_;
/* Only among those whose outcome is known. */
int build_in_chain(
	struct build *ret, struct ledger *ledger, uint64_t number) _must_check_;
int build_by_number(
	struct build *ret, struct ledger *ledger, uint64_t number) _must_check_;
/* The agent's last build of the target; NULL: its newest of all targets. */
int build_by_agent(struct build *ret, struct ledger *ledger, const char *target,
	const char *agent) _must_check_;
/*
 * Whether the build brought its System-After about. One that failed before it changed
 * anything also ends with what was live before it.
 */
bool build_made_its_system(const struct build *build);
/* The newest build on this machine that made this system. */
int build_by_system(
	struct build *ret, struct ledger *ledger, const char *store_path) _must_check_;
/* The build that was live on the target at that time. */
int build_live_at(struct build *ret, struct ledger *ledger, const char *target,
	time_t when) _must_check_;

/*
 * How long such a command has taken: the median of its last successful builds, else of
 * the target's; 0 where there are none.
 */
int build_expected_seconds(int64_t *ret, struct ledger *ledger, const char *target,
	const char *command) _must_check_;

/*
 * All that have begun and are not in the chain yet, lowest number first; ended (NULL: not
 * asked for) gets those that are in it and listed as running all the same.
 */
int builds_running(
	struct builds *ret, struct builds *ended, struct ledger *ledger) _must_check_;

/* Whether one of the builds named ("43,44"; NULL: none) is the agent's: *ret is its
 * number then. */
bool builds_name_one_of(
	struct ledger *ledger, const char *names, const char *agent, char **ret);

/*
 * A build: 43, last, live, @AGENT, gen:142, a store path. Prints and returns -1 where
 * there is none of that name or the ledger cannot be read.
 */
int build_by_name(struct build *ret, struct ledger *ledger,
	const struct settings *settings, const char *text) _must_check_;
