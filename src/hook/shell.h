#pragma once
/*
 * Finds nixos-rebuild in a command that an agent gives to its shell, wherever the shell
 * would run it: at the start of a command, also after assignments, sudo, env and the
 * like, in subshells and substitutions, and in a quoted script for `bash -c`; but not in
 * arguments, other quotes, comments and here documents. What cannot be read for sure
 * (eval, aliases, arrays, scripts with escapes) is left alone.
 */
#include "base/macro.h"

struct shell_rewrite {
	const char *message; /* NULL: none; see shell_plain_text() */
	const char *agent;   /* NULL: none. Added to each safe-rebuild as well */
	const char *session; /* added only if the shell's variables do not reach it */
	bool waits; /* returned: something of ours in the command may take long */
};

/*
 * The command with safe-rebuild in place of each nixos-rebuild that would change the
 * system; NULL if it can stay as it is. The caller frees.
 */
char *shell_rewrite(const char *command, struct shell_rewrite *rewrite) _must_check_;

/*
 * The first max bytes of the text, without characters that mean something to a shell in
 * any quotes; NULL if nothing is left. The caller frees.
 */
char *shell_plain_text(const char *text, size_t max) _must_check_;
