#pragma once
/*
 * Finding the real nixos-rebuild. safe-rebuild may itself be called nixos-rebuild (a shim
 * earlier in PATH, another version of it in another profile), so every candidate whose
 * real name is safe-rebuild, or that is this very program, is skipped.
 */
#include "base/child.h"
#include "rebuild/request.h"

/*
 * Absolute or given path of command, searched in PATH where it has no slash. Prints and
 * returns the exit status (126 found but not executable, 127 not found) on failure, else
 * 0.
 */
int program_find(char **ret, const char *command) _must_check_;

/* The first program of that name in PATH; NULL: none. The caller frees. */
char *program_in_path(const char *name) _must_check_;

/* How commands that a person or agent is to type name us: safe-rebuild, or our own path
 * for a shell where PATH does not lead to us under that name. */
const char *program_own_name(void);

/* Removes relative directories from PATH, for everything that is executed: they would
 * depend on the current directory, which may be anybody's. */
void program_trust_path(void);

/* Whether the path leads to safe-rebuild, under whatever name and of whatever version. */
bool program_is_ourselves(const char *path);

/*
 * nixos-rebuild --sudo runs unprivileged, builds, and only then lets sudo set the profile
 * and activate. Where sudo will not work it fails after minutes of building: that is
 * found out first. In the runner's session there is no terminal on which sudo could ask
 * for a password.
 *
 * 0, or the exit status (printed) where sudo will fail.
 */
int elevation_check(const struct request *request,
	const struct surroundings *surroundings) _must_check_;
