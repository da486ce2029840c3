#pragma once
/*
 * What a run examines and reports before nixos-rebuild starts: the configuration as it is
 * now, what has changed since the caller's last build, and whether others would lose
 * anything. Only a refusal by the guard may stop the rebuild.
 */
#include "run/run.h"

/* How long it will take, as far as the ledger knows. */
void look_estimate(struct run *run, struct ledger *ledger);

/*
 * A caller who would wait only to be refused is refused at once (EXIT_REFUSED), judged
 * against what is live and what is being built. 0: go on; what cannot be judged yet is
 * judged when the turn comes.
 */
int look_before_queue(struct run *run) _must_check_;

/* Opens the ledger to record, records what killed runs have left, takes the snapshot. */
void look_at_configuration(struct run *run);

/* Tells the caller what it has to know; a refusal comes first. 0 or EXIT_REFUSED. */
int look_tell(struct run *run) _must_check_;

/* Records that the guard has refused it (build.refused says why). */
void look_note_refusal(const struct run *run);
