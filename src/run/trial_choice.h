#pragma once
/*
 * Whether a switch is tried first (run/trial.h), decided in the caller's process before
 * it queues.
 */
#include "run/run.h"

/*
 * Decides whether the run becomes a trial; then its arguments say "test". words: those
 * that the request was parsed from. 0, or EXIT_USAGE (printed) if --confirm is not
 * possible; if it came from SAFE_REBUILD_CONFIRM, that is only a warning.
 */
int trial_prepare(struct run *run, const struct strv *words) _must_check_;

/* EXIT_BUSY (printed) while a build of the same agent waits to be confirmed, else 0. */
int trial_check_own(const struct run *run) _must_check_;
