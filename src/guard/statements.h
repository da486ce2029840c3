#pragma once
/*
 * A Nix text with one statement, attribute set's or list's beginning, or element of a
 * list a line, as formatters write it: "port = 80;" is the same thing whether it stands
 * in a line of its own or between others, and "[ 22 80 ]" has two elements. Strings over
 * several lines and comments stay as they are, and so does every text that is not Nix.
 */
#include <stddef.h>

#include "base/macro.h"

struct statements {
	const char *text; /* .own, or what was split */
	size_t len;
	char *own;
	unsigned *numbers; /* by line of .text, from 1: its line in what was split; NULL:
			      the same */
};

/* text stays the caller's, and must live as long. */
void statements_split(
	struct statements *ret, const char *path, const char *text, size_t len);
unsigned statements_number(const struct statements *statements, size_t line);
void statements_free(struct statements *statements);
#define _cleanup_statements_ _cleanup_(statements_free)
