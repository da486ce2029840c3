#pragma once
/*
 * Going back to the system of an older build, by its store path. A person's rollback goes
 * before all who wait, and cancels one that still builds; an agent's is refused where it
 * would take back another's work. It is recorded with the tree of the build that it went
 * back to, and with whose work it took out: from then on the guard holds, which lets
 * nobody bring that back unseen.
 */
#include "rebuild/system.h"
#include "run/run.h"

/*
 * name: a build, gen:N or a store path; NULL: what ran before the build that runs now.
 * Returns the exit status.
 */
int run_rollback(const struct settings *settings, const struct own_options *options,
	const char *name, const struct surroundings *surroundings);

/* In the runner, when it has ended: what the record gets, and what is still to be done.
 */
void rollback_end(struct run *run, const struct system_state *now);

/* The same for nixos-rebuild's own --rollback: which build it went back to, and whose
 * work that took out. */
void rollback_note_plain(struct run *run, const struct system_state *before,
	const struct system_state *now);
