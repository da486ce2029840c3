#pragma once
/*
 * The undo guard: a build takes nothing away that others made live, and brings nothing
 * back that was rolled back, unless its caller says so (the rule: judge.h). A caller is
 * judged when it arrives, against what is live and what is being built, and again when
 * its turn comes; diff and status tell beforehand what a switch would be told.
 *
 * What cannot be judged is said and never stops a rebuild.
 */
#include "guard/judge.h"
#include "guard/live.h"

struct guard_call {
	const struct settings *settings;
	struct ledger *ledger;
	const struct caller *caller;
	const struct target *target;
	const struct request *request;
	const struct configuration *configuration;
	const struct snapshot *snapshot;     /* NULL: there is none */
	const char *command;                 /* as it is recorded */
	const char *settings_words;          /* see own_options.h */
	const char *own_words;               /* our own options, but for the next two */
	const char *allow_undo, *allow_redo; /* as given; NULL: not */
};

/* What is live, or is being built, and what a build would do to it. */
struct guarded {
	struct live live;
	bool is_running; /* it is being built */
	/* What would be taken away from it is only said: another's newer one that boots
	 * next has dropped it already, or it goes on running (boot). */
	bool is_soft;
	struct verdict verdict;
	struct case_at_hand hand;
	bool is_other_machine; /* it is the configuration of another one */
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

/* Whether the call would be refused, with nothing allowed: over this one, over any. */
bool guarded_refuses(const struct guarded *guarded);
bool guard_refuses(const struct guard *guard);

/* "refused", "passes" or "not known". */
const char *guard_verdict_word(const struct guard *guard);

/*
 * Judges, says what there is to say, and decides: 0 to go on, EXIT_REFUSED. What was
 * allowed is noted in the build. arriving: before the queue, where only a refusal is
 * said.
 */
int guard_check(
	const struct guard_call *call, struct build *build, bool arriving) _must_check_;
