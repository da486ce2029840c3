#pragma once
/*
 * Writes to the ledger: a build when it begins and when it ends, and refusals. Functions
 * that write take the ledger's lock, and print and return -1 if they fail. One that is
 * killed leaves the ledger in order; at worst a recorded build is not yet its agent's
 * last one and is still listed as running.
 */
#include "ledger/ledger.h"

/*
 * Gives the build its number and records that it runs, with all that is known about it,
 * and its tree if it has a snapshot.
 */
int ledger_begin(struct ledger *ledger, struct build *build) _must_check_;

/*
 * Records how a build ended: it joins the chain and becomes its agent's last one. If we
 * have recorded it already, that record stays.
 */
int ledger_finish(struct ledger *ledger, struct build *build) _must_check_;

bool ledger_lists_as_running(struct ledger *ledger, uint64_t number);
/* The build is in the chain, or none: it is not to be listed as running any more. */
int ledger_forget_running(struct ledger *ledger, uint64_t number);

/*
 * Records a refused call, unless the last one was the same: agents repeat theirs.
 */
int ledger_note_refusal(struct ledger *ledger, const struct build *call);

/* Makes this build of another agent the agent's last one. */
int ledger_join(struct ledger *ledger, const char *target, const char *agent,
	const git_oid *commit) _must_check_;

/* The highest number given so far. */
int ledger_highest_number(struct ledger *ledger, uint64_t *ret) _must_check_;
