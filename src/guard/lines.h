#pragma once
/*
 * The lines of texts, without regard to blanks, so that a newly indented text is the
 * same. A line is known by a 64-bit hash, and lines are counted by hash. A line without a
 * letter or a digit ("};") says nothing and is left out.
 */
#include <stdint.h>

#include "ledger/git.h"

/* Whether the text has at most one line. */
bool text_is_one_line(const char *text, size_t len);

struct line {
	const char *text; /* into what was split, or .own; not terminated */
	size_t len;
	unsigned number; /* in its text, from 1 */
	uint64_t hash;   /* see line_identity() */
	uint64_t site;   /* see line_site(); the hash if it needs no enclosing */
};

struct lines {
	struct line *list; /* in their order */
	size_t len;
	char *own; /* what they point into, if that is not the text that was split */
};

/* Splits by statements (statements.h). blob NULL: no lines. Valid as long as the blob, or
 * the text. */
void lines_split(struct lines *ret, const char *path, const git_blob *blob);
void lines_split_text(struct lines *ret, const char *path, const char *text, size_t len);
void lines_free(struct lines *lines);
#define _cleanup_lines_ _cleanup_(lines_free)

/* 0: the line says nothing. */
uint64_t line_hash(const char *text, size_t len);
/* The hash of the name that the line sets: what stands before '=', before ": " (YAML and
 * JSON), or before the last word of a directive ("worker_processes 4;"). 0: none. */
uint64_t line_key(const char *text, size_t len);

/*
 * Whether it is a bare name and a literal, as "enable = true;": such lines stand in many
 * places.
 */
bool line_is_bare(const char *text, size_t len);

/*
 * What each line of the text stands in, by line number: the hash of the line that opened
 * the innermost bracket; without blocks (YAML, TOML), of the last line that is indented
 * less, or of the section; 0: nothing. The caller frees.
 */
uint64_t *lines_find_enclosing(const char *text, size_t len) _must_check_;
/* The line's hash. That of a bare line includes what it stands in, because bare lines are
 * alike in all blocks. */
uint64_t line_identity(const char *text, size_t len, uint64_t enclosing);
/* A hash and what the line stands in: if both are elsewhere, the line has moved there. */
uint64_t line_site(uint64_t hash, uint64_t enclosing);
/* Whether only what it stands in tells the line from others: as with "port = 80;" and the
 * elements of a list, but not with "services.web.port = 80;". */
bool line_needs_enclosing(const char *text, size_t len);

/* Counts by hash. */
struct counts {
	struct count {
		uint64_t hash; /* 0: free */
		int64_t value;
	} * slots;
	size_t len, room;
};

int64_t *counts_at(struct counts *counts, uint64_t hash); /* made if it is missing */
int64_t counts_get(const struct counts *counts, uint64_t hash);
void counts_add_lines(struct counts *counts, const struct lines *lines, int64_t value);
void counts_free(struct counts *counts);
#define _cleanup_counts_ _cleanup_(counts_free)
