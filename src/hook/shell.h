#pragma once
/*
 * The nixos-rebuilds in a command that an agent gives to its shell. A word counts where a
 * POSIX shell would run it (Shell Command Language, 2.9): at the start of a command, also
 * behind assignments, sudo, env and their kin, in subshells and substitutions, and in
 * what `bash -c` is given in quotes; never in an argument, in quotes, in a comment or in
 * a here document. What cannot be read for sure (eval, aliases, variables) is left alone.
 */
#include "base/macro.h"

struct shell_rewrite {
	/* With blanks before: " --message 'add nginx'". Not put inside of quotes. */
	const char *options;
	/* Likewise; of characters that mean nothing to a shell, so put everywhere, and
	 * after a safe-rebuild as well. */
	const char *agent;
};

/*
 * The command with safe-rebuild in place of each nixos-rebuild that would change the
 * system; NULL where nothing is to be changed. The caller frees.
 */
char *shell_rewrite(
	const char *command, const struct shell_rewrite *rewrite) _must_check_;
