#pragma once
/*
 * Builds that are recorded as running but have no runner any more: it was killed, or it
 * could not record the outcome and left that in its ticket.
 */
#include "run/run.h"

/* Whether it is recorded as running, and nobody runs it. */
bool build_is_orphaned(const struct build *build, const struct settings *settings);

/* What the build's ticket says, nothing where it has none; true where that is alive. */
bool build_read_ticket(struct build *ret, const struct build *build,
	const struct settings *settings) _must_check_;

/* Completes it, where it is orphaned and its nixos-rebuild has ended, with what will be
 * recorded: what its ticket says, else interrupted or taken back, with what the system is
 * now. */
void orphan_judge(struct build *build, const struct settings *settings);

/* Adds the target's builds whose runner was killed while nixos-rebuild goes on. */
void orphans_at_work(struct builds *ret, const struct target *target);

/*
 * Records them; for the next run that has the lock. What cannot be recorded now is tried
 * again by the next one.
 */
void orphans_record(const struct run *run);
