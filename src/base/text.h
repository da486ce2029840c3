#pragma once
/*
 * Text that comes from elsewhere: paths, commit subjects, messages, names. All functions
 * return a new string that the caller frees.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

/*
 * Printable UTF-8 on one line: control characters, invalid bytes, and the characters that
 * reorder or hide text (bidi controls, zero-width and tag characters, line separators)
 * are shown as \n, \xNN or \u{NNNN}. A backslash stays as it is.
 */
char *text_clean(const char *text, size_t len) _must_check_;

/* text_clean() that also escapes backslashes, so that text_unescape() gives the bytes
 * back. */
char *text_escape(const char *text, size_t len) _must_check_;
char *text_unescape(const char *text, size_t len) _must_check_;

/* Writes the text with each of its lines cleaned. */
void text_print_lines(FILE *out, const char *text, size_t len);

/* Cleaned, in double quotes, cut to max columns or so with "..." at the end. */
char *text_quote(const char *text, size_t max) _must_check_;

/* The words as one line that a POSIX shell would read back as the same words. */
char *text_shell_words(char *const *words) _must_check_;

/* Whole text is a decimal number not above max; false leaves *ret untouched. */
bool text_to_number(const char *text, uint64_t max, uint64_t *ret);

/* "1 file", "2 files". */
char *text_count(size_t count, const char *singular) _must_check_;
