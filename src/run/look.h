#pragma once
/*
 * What a run looks at before nixos-rebuild starts, and tells: the configuration as it is
 * now, what has changed since the caller's own build, and whether others would lose
 * anything. None of it may stop a rebuild but the guard's refusal.
 */
#include "run/run.h"

/* How long it will take, as far as the ledger knows. */
void look_estimate(struct run *run, struct ledger *ledger);

/*
 * Who would have to wait and be refused then is told at once (EXIT_REFUSED), against what
 * is live and what is being built. What cannot be judged now is judged when the turn
 * comes: 0.
 */
int look_before_queue(struct run *run) _must_check_;

/* Opens the ledger to record, records what killed runs have left, takes the snapshot. */
void look_at_configuration(struct run *run);

/* Says what one who builds has to know; a refusal comes first. 0 or EXIT_REFUSED. */
int look_tell(struct run *run) _must_check_;

/* Records that the guard has refused it (build.refused says why). */
void look_note_refusal(const struct run *run);
