#pragma once
/*
 * A POSIX shell's text (Shell Command Language, 2.2 to 2.10), and what bash adds to its
 * quoting, parsed just enough to know where a command begins. Each simple command is
 * passed on as its words, with their quotes and without any expansion.
 */
#include <stddef.h>

#include "base/macro.h"

/* A part of the text. */
struct range {
	const char *start, *end;
};

struct ranges {
	struct range *list;
	size_t len;
};

#define _cleanup_ranges_ _cleanup_(ranges_free)

/* depth: of quoted scripts within scripts. */
typedef void command_found(const struct ranges *words, unsigned depth, void *data);

/* Calls found for each simple command that a shell would run. */
void scan_commands(struct range text, unsigned depth, command_found *found, void *data);

/* Whether the word is one behind which a command begins: "if", "do", "{". */
bool scan_is_keyword(const struct range *word);

/* The word without its quotes; expansions stay as they are. The caller frees. */
char *scan_unquote(const struct range *word) _must_check_;
