#pragma once
/*
 * Builds that are recorded as running and have no runner any more: it was killed, or
 * could not record how the build ended and has left that in its ticket.
 */
#include "run/run.h"

bool build_is_orphaned(const struct build *build, const struct settings *settings);

/* Completes it with what will be recorded: what its ticket says, else interrupted or
 * taken back, with what the system is now. */
void orphan_judge(struct build *orphan, const struct settings *settings);

/*
 * Records them; for the next run that has the lock. What cannot be recorded now is tried
 * again by the next one.
 */
void orphans_record(struct ledger *ledger, const struct settings *settings,
	const struct target *target, const struct surroundings *surroundings);
