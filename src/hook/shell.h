#pragma once
/*
 * The nixos-rebuilds in a command that an agent gives to its shell. A word counts where a
 * shell would run it: at the start of a command, also behind assignments, sudo, env and
 * their kin, in subshells and substitutions, and in what `bash -c` is given in quotes;
 * never in an argument, in quotes, in a comment or in a here document. What cannot be
 * read for sure (eval, aliases, arrays, scripts with escapes in them) is left alone.
 */
#include "base/macro.h"

struct shell_rewrite {
	const char *message; /* NULL: none; see shell_plain_text() */
	const char *agent;   /* NULL: none. Put behind a safe-rebuild as well */
	const char *session; /* ... only where the shell's own variables do not arrive */
	bool waits; /* set: the command has something of ours that may take long */
};

/*
 * The command with safe-rebuild in place of each nixos-rebuild that would change the
 * system; NULL where nothing is to be changed. The caller frees.
 */
char *shell_rewrite(const char *command, struct shell_rewrite *rewrite) _must_check_;

/*
 * The text without what means something to any shell in any quotes, at most max bytes of
 * it; NULL where nothing is left. The caller frees.
 */
char *shell_plain_text(const char *text, size_t max) _must_check_;
