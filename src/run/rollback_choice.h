#pragma once
/* Which system a rollback goes back to, and what that takes out and brings back. */
#include "rebuild/system.h"
#include "run/run.h"

/*
 * Chooses by name (a build, @AGENT, gen:N, a store path); NULL: what ran before the build
 * that runs now, skipping what has been taken out already. 0, -1 (printed), or 1: it is
 * what runs and boots already.
 */
int rollback_choose(
	struct run *run, const char *name, const struct system_state *now) _must_check_;

/* "build 43", "gen:12" or a store path. The caller frees. */
char *rollback_goal(const struct run *run) _must_check_;

/* Names a system that runs or ran by its build, else its generation, else itself. The
 * caller frees. */
char *rollback_name_system(const struct run *run, const char *system,
	const struct system_state *now) _must_check_;

/*
 * The builds, newest first, whose live work would be undone by going back to system,
 * without what an earlier rollback took out. now: read before anything is changed.
 */
int rollback_collect(struct builds *ret, const struct run *run, const char *system,
	const struct system_state *now) _must_check_;

/*
 * Whether the system was taken out and has not been live since: 1, and by which rollback
 * (0: outside safe-rebuild); 0, or -1 (printed).
 */
int rollback_was_taken_out(uint64_t *ret_by, const struct run *run, const char *system,
	const struct system_state *now) _must_check_;

/* "cd DIRECTORY && sudo safe-rebuild", where the build's directory is still there and
 * sudo was used; *ret_git: how to call git there. The caller frees both. */
char *rollback_call_there(
	const struct run *run, const struct build *build, char **ret_git) _must_check_;
