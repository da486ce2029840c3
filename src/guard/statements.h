#pragma once
/*
 * Splits Nix text as formatters do: each statement, each beginning of a set or list, each
 * element of a list and each comment gets its own line. So "port = 80;" is the same on a
 * line of its own and between others, and "[ 22 80 ]" has two elements. Comments of
 * several lines, lines with a string in '', and all text that is not Nix stay as they
 * are.
 */
#include <stddef.h>

#include "base/macro.h"

struct statements {
	const char *text; /* .own, or the text that was given */
	size_t len;
	char *own;
	unsigned *numbers; /* for each line of .text, from 1: its line in the given text;
			      NULL: the same */
};

/* text stays the caller's, and must live as long as *ret. */
void statements_split(
	struct statements *ret, const char *path, const char *text, size_t len);
unsigned statements_number(const struct statements *statements, size_t line);
void statements_free(struct statements *statements);
#define _cleanup_statements_ _cleanup_(statements_free)
