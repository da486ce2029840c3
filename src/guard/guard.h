#pragma once
/*
 * The undo guard: unless its caller says so, a build takes nothing away that others made
 * live, and brings nothing back that was rolled back (the rule: judge.h). A caller is
 * judged when it arrives, against what is live and what is being built, and again when
 * its turn comes. diff and status say what a switch would be told.
 *
 * If something cannot be judged, a message says so, and the rebuild goes on.
 */
#include "guard/judge.h"
#include "guard/live.h"

/* What is live or being built, and what the call would do to it. */
struct guarded {
	struct live live;
	bool is_running; /* it is being built */
	/* Losses are only warned of: somebody's newer build that boots next has dropped
	 * these already, or (boot) it goes on running. */
	bool is_soft;
	struct verdict verdict;
	struct case_at_hand hand;
	bool is_other_machine; /* it and the call are for different machines */
};

struct guard {
	const struct guard_call *call;
	struct guarded *list;
	size_t len;
	bool is_unknown; /* something could not be judged */
};

/* Judges all that the action would replace; arriving: also what is being built. */
void guard_judge(struct guard *ret, const struct guard_call *call, bool arriving);
void guard_free(struct guard *guard);
#define _cleanup_guard_ _cleanup_(guard_free)

/* Whether there is something to refuse if nothing is allowed: for this one, for any. */
bool guarded_refuses(const struct guarded *guarded);
bool guard_refuses(const struct guard *guard);
/* Whether a switch would then be refused, not only warned of ([guard] undo). */
bool guard_stops(const struct guard *guard);
/* Whether it names a loss without stopping for it. */
bool guard_warns(const struct guard *guard);
/* Whether a part of what the caller himself made live is missing. */
bool guard_lacks_own(const struct guard *guard);

/* "refused", "passes" or "not known". */
const char *guard_verdict_word(const struct guard *guard);

/*
 * Judges, tells the caller, and decides: 0 to go on, or EXIT_REFUSED. Notes in the build
 * what was allowed. arriving: before the queue, where only a refusal is told.
 */
int guard_check(
	const struct guard_call *call, struct build *build, bool arriving) _must_check_;
