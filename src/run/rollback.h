#pragma once
/*
 * Going back to the system of an older build, by its store path. A person's rollback
 * passes all who wait, and cancels a build that still runs; an agent's is refused if it
 * would take back another's work. The record has the tree of the build that it went back
 * to, and the builds that it took out: from then on the guard lets nobody bring those
 * back unseen.
 */
#include "rebuild/system.h"
#include "run/run.h"

/*
 * name: a build, gen:N or a store path; NULL: what ran before the build that runs now.
 * Returns the exit status.
 */
int run_rollback(const struct settings *settings, const struct own_options *options,
	const char *name, const struct surroundings *surroundings);

/* In the runner, afterwards: completes the record, and says what is left to do. */
void rollback_end(struct run *run, const struct system_state *now);

/* The same for nixos-rebuild's own --rollback: notes which build it went back to and
 * whose work that took out. */
void rollback_note_plain(struct run *run, const struct system_state *before,
	const struct system_state *now);
