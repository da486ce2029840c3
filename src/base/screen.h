#pragma once
/*
 * What one line of a program's output looks like on a terminal in the end: progress bars
 * write it again and again. Not a full terminal: a carriage return goes to column 0, new
 * text overwrites old text, `ESC[K` cuts the line, and all other sequences (ECMA-48) are
 * dropped.
 */
#include "base/strbuf.h"

/* Adds the line, which has no newline in it, as it finally looks. */
void screen_put_line(struct strbuf *out, const char *line, size_t len);

/* The same for a text of many lines. */
void screen_put_text(struct strbuf *out, const char *text, size_t len);

/* Whether the cursor is in the middle of a line after this output. before: whether it was
 * before the output. */
bool screen_is_in_line(bool before, const char *output, size_t len);
