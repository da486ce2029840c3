#pragma once
/*
 * The runner owns nixos-rebuild, the turn (ticket and lock), the log and the record. It
 * is forked twice into a session of its own, so that what kills the caller's front, its
 * process group or its process tree leaves the rebuild running and recorded.
 */
#include "run/run.h"

/*
 * Starts it; *ret_socket is the front's end of the relay. This process' descriptors of
 * the turn are closed: from now on it is the runner's. -1 (printed) where it could not
 * start; then the turn is still ours.
 */
int runner_start(int *ret_socket, struct run *run) _must_check_;

/* Whether the runner of a running build is gone without having recorded how it ended. */
bool build_is_orphaned(const struct build *build, const struct settings *settings);

/* Says of such a one what will be recorded: interrupted or taken back, with what the
 * system is now. */
void runner_judge_orphan(struct build *build, const struct settings *settings);

/*
 * Records them; for the next run that has the lock. What cannot be recorded now is tried
 * again by the next one.
 */
void runner_record_orphans(struct ledger *ledger, const struct settings *settings,
	const struct surroundings *surroundings);
