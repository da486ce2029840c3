#pragma once
/*
 * Text that comes from elsewhere: paths, commit subjects, messages, names. Whatever is
 * shown passes through here exactly once, on its way out: say(), answer() and their kin
 * (message.h) clean the lines that they write, text_put_lines() a text of several lines.
 * Functions that return a string return a new one that the caller frees.
 */
#include <stdint.h>

#include "base/strbuf.h"

/*
 * Printable UTF-8 on one line: control characters, invalid bytes, and the characters that
 * reorder or hide text (bidi controls, zero-width and tag characters, line separators)
 * are shown as \n, \xNN or \u{NNNN}. A backslash stays as it is, so that cleaning twice
 * is cleaning once.
 */
char *text_clean(const char *text, size_t len) _must_check_;

/* The same with backslashes escaped, so that text_unescape() gives the bytes back. */
char *text_escape(const char *text, size_t len) _must_check_;
char *text_unescape(const char *text, size_t len) _must_check_;

/* Adds the text with each of its lines cleaned, as many lines as it has. */
void text_put_lines(struct strbuf *out, const char *text, size_t len);

/* Cleaned, in double quotes, cut to max bytes or so with "..." at the end. */
char *text_quote(const char *text, size_t max) _must_check_;

/* A path or a name: quoted only if it could be taken for something else; cut
 * to max bytes or so. */
char *text_name(const char *text, size_t max) _must_check_;

/* Whether one typing mistake turns one word into the other: one character too many, too
 * few or wrong, or two that are swapped. */
bool text_is_slip(const char *a, const char *b);

/* The number of bytes to keep, at most max, so that no character is split. */
size_t text_cut(const char *text, size_t max);

/*
 * Takes the next line from the text *at to end; false if there is none. The line
 * is without its newline and not terminated.
 */
bool text_next_line(
	const char **at, const char *end, const char **ret_line, size_t *ret_len);

/* With %NN as the byte NN: URLs are encoded so, plain paths are not. */
char *text_percent_decode(const char *text) _must_check_;

/* The words as one line that a POSIX shell would read back as the same words. */
char *text_shell_word(const char *word) _must_check_;
char *text_shell_words(char *const *words) _must_check_;

/* Whether the whole text is a decimal number up to max; false leaves *ret untouched. */
bool text_to_number(const char *text, uint64_t max, uint64_t *ret);

/* Where the word (NULL: nowhere) is in the list, which ends with NULL; -1: nowhere. */
int text_index(const char *word, const char *const *list);
static inline bool text_is_among(const char *word, const char *const *list)
{
	return text_index(word, list) >= 0;
}

/* "1 file", "2 files". */
char *text_count(size_t count, const char *singular) _must_check_;
