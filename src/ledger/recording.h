#pragma once
/*
 * What is written into the ledger: a build when it begins and when it ends, a refusal.
 * Each function takes the ledger's lock, prints and returns -1 where it fails, and leaves
 * the ledger as it was before or as it is after, wherever it is killed.
 */
#include "ledger/ledger.h"

/*
 * Gives the build its number and records that it runs: all that it has, with its tree
 * where it has a snapshot.
 */
int ledger_begin(struct ledger *ledger, struct build *build) _must_check_;

/*
 * Records how a begun build ended: it joins the chain and becomes its agent's last one. A
 * record that we have written already stays as it is.
 */
int ledger_finish(struct ledger *ledger, struct build *build) _must_check_;

bool ledger_lists_as_running(struct ledger *ledger, uint64_t number);
/* The build is in the chain, or none: it is not to be listed as running any more. */
int ledger_forget_running(struct ledger *ledger, uint64_t number);

/*
 * Records a call that was refused. Agents repeat theirs: the same one again, next after
 * itself, is not recorded twice.
 */
int ledger_note_refusal(struct ledger *ledger, const struct build *call);

/* Moves another reference than those above to an object that has been written. */
int ledger_point(struct ledger *ledger, const char *reference, const git_oid *id);

/* The agent's last build is from now on this one of another. */
int ledger_join(struct ledger *ledger, const char *target, const char *agent,
	const git_oid *commit) _must_check_;

/* The highest number given so far. */
int ledger_highest_number(struct ledger *ledger, uint64_t *ret) _must_check_;
