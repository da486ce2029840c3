#pragma once
/*
 * The lines of texts, told apart by what they say: blanks do not count, so that a text
 * that was indented anew is the same. A line is known by a 64-bit hash; sets of them are
 * counted. A line without a letter or a digit ("};") says nothing and is left out.
 */
#include <stdint.h>

#include "ledger/git.h"

/* Whether the text has no line but one. */
bool text_is_one_line(const char *text, size_t len);

struct line {
	const char *text; /* into the blob, not terminated */
	size_t len;
	unsigned number; /* in its text, from 1 */
	uint64_t hash;   /* see line_identity() */
	uint64_t site;   /* see line_site(); of one that needs no enclosing its hash */
};

struct lines {
	struct line *list; /* in their order */
	size_t len;
	char *own; /* what they point into, where that is not what was split */
};

/* By statements (statements.h). blob NULL: none. Valid as long as the blob, or the text.
 */
void lines_split(struct lines *ret, const char *path, const git_blob *blob);
void lines_split_text(struct lines *ret, const char *path, const char *text, size_t len);
void lines_free(struct lines *lines);
#define _cleanup_lines_ _cleanup_(lines_free)

/* 0: the line says nothing. */
uint64_t line_hash(const char *text, size_t len);
/* Of what stands before the '=' (or YAML's and JSON's ": ", or the last word of a
 * directive, "worker_processes 4;"); 0 where there is none. */
uint64_t line_key(const char *text, size_t len);

/*
 * Whether it is one of those that stand in many places ("enable = true;"): a bare name
 * and a literal.
 */
bool line_is_bare(const char *text, size_t len);

/*
 * For each line of the text, by its number, what it stands in: the hash of the line that
 * has opened the innermost bracket, or where there are no blocks (YAML, TOML) the one
 * that is indented less, or the section; 0: nothing. The caller frees.
 */
uint64_t *lines_find_enclosing(const char *text, size_t len) _must_check_;
/* The line's hash; a bare one's with what it stands in, for they are alike in all blocks.
 */
uint64_t line_identity(const char *text, size_t len, uint64_t enclosing);
/* A hash, and what the line stands in: with that it may go to another file. */
uint64_t line_site(uint64_t hash, uint64_t enclosing);
/* Whether it is told apart from its like only by what it stands in: "port = 80;" and the
 * elements of a list are, "services.web.port = 80;" is not. */
bool line_needs_enclosing(const char *text, size_t len);

/* Counts by hash. */
struct counts {
	struct count {
		uint64_t hash; /* 0: free */
		int64_t value;
	} * slots;
	size_t len, room;
};

int64_t *counts_at(struct counts *counts, uint64_t hash); /* made where it is missing */
int64_t counts_get(const struct counts *counts, uint64_t hash);
void counts_add_lines(struct counts *counts, const struct lines *lines, int64_t value);
void counts_free(struct counts *counts);
#define _cleanup_counts_ _cleanup_(counts_free)
