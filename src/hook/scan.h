#pragma once
/*
 * Parses a POSIX shell's text (Shell Command Language, 2.2 to 2.10), and what bash adds
 * to its quoting, just enough to know where commands begin. Each simple command is passed
 * on as its words, with their quotes and not expanded.
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

/* depth: how many quoted scripts the command is in. */
typedef void command_found(const struct ranges *words, unsigned depth, void *data);

/* Calls found for each simple command that a shell would run. */
void scan_commands(struct range text, unsigned depth, command_found *found, void *data);

/* Whether a command begins after this word: "if", "do", "{". */
bool scan_is_keyword(const struct range *word);

/* The word without its quotes; not expanded. The caller frees. */
char *scan_unquote(const struct range *word) _must_check_;
