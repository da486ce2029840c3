#pragma once
/*
 * What differs between a live configuration and a new one, piece by piece: the lines that
 * the new one lacks or has beyond it, the inputs of a flake.lock, and as a whole what has
 * no lines (binary content, links, modes). What has merely moved, within a file or to
 * another, was sorted or indented anew, is no difference. Lines that are alike in
 * different blocks ("enable = true;") are different lines.
 *
 * A line that stands in many places is judged with its hunk: where a telling line of the
 * same hunk goes, it goes along.
 */
#include "changes/lock_file.h"
#include "changes/tree_diff.h"
#include "guard/lines.h"
#include "ledger/ledger.h"

enum item_kind {
	ITEM_LINE,
	ITEM_INPUT, /* of a flake.lock */
	ITEM_ENTRY, /* a path as a whole: its mode and content */
};

enum item_verdict {
	VERDICT_NONE,    /* not taken from anybody, or nothing that was ever live */
	VERDICT_IGNORED, /* [guard] ignore */
	VERDICT_UNKNOWN, /* a loss, not known whose */
	VERDICT_OWN,
	VERDICT_REVERTED, /* by a commit that says so */
	VERDICT_WARNING,
	VERDICT_REFUSED,
};

struct item {
	enum item_kind kind;
	bool is_lost;       /* live has it and mine does not; else the other way round */
	size_t path;        /* index into the changes */
	unsigned line;      /* in the live file (lost) or mine; 0: none */
	char *text;         /* the line, the input's name, NULL: the path as a whole */
	char *other;        /* what stands in its place; NULL: nothing */
	uint64_t hash;      /* of what is looked for in other trees */
	uint64_t mine;      /* input, entry: of what mine has in its place; 0: nothing */
	uint64_t enclosing; /* line: what it stands in, where that tells it apart */
	uint64_t key;       /* line: of what is before the '='; 0: none */
	bool has_copy;      /* it stands elsewhere in the tree that is said to lack it */
	bool by_path;       /* it is looked for in its own path only */
	bool whole_file;    /* of a file that mine lacks, or that live lacks */

	/* Found by chain.c and judge.c. */
	enum item_verdict verdict;
	size_t owner;         /* whose step of the chain it is; NO_OWNER: not known */
	size_t removed;       /* the step that removed its whole file; NO_OWNER: none */
	size_t brought;       /* where that is a rollback: the step that it took back */
	uint64_t first_build; /* a record before the owner's that had the line first; 0:
				 none */
	bool is_fresh;        /* mine has what others built into the path later */
	bool is_reverted, is_rewritten; /* see history.h */
	bool is_stale;   /* input, entry: what mine has in its place was live once */
	bool is_settled; /* the owner has changed this very path */
	bool has_moved;  /* ... into it, since the steps that are looked at */
	bool replaces;   /* line: it stands in the place of one that is lost */
	/* Of the last comparison of two trees, see items_compare(). */
	int64_t delta, delta_here, delta_in_block;
	bool has_mine; /* one of the two has what mine has in its place */
};

#define NO_OWNER SIZE_MAX

/* A file that has no lines (a picture, a link) and is there or not. */
bool item_is_whole_file(const struct item *item);

struct items {
	struct path_changes changes; /* live is the old side */
	struct item *list;
	size_t len;
	size_t more; /* not listed */
};

/* More than these are counted, not listed, and always refused. */
#define ITEMS_MAX 20000

/* Prints and returns -1 where a tree cannot be read. */
int items_find(struct items *ret, git_repository *repository, const git_oid *live,
	const git_oid *mine, const struct settings *settings) _must_check_;
void items_free(struct items *items);

/*
 * Marks items that the other tree has all the same, anywhere in it: the lost
 * ones in mine, the others in live. All its texts are read for that.
 */
void items_mark_copies(struct items *items, git_repository *repository,
	const struct settings *settings, const git_oid *tree, bool lost);

const char *item_path(const struct items *items, const struct item *item);

/* A line with what it stands in: the same pair in another file has moved. */
uint64_t item_site(const struct item *item);

/* What an item's .hash and .mine are of: an input of a flake.lock, a path as a whole or
 * (mode_only) its mode. 0: there is none. */
uint64_t input_hash(const struct lock_input *input);
uint64_t entry_hash(uint32_t mode, const git_oid *id, bool mode_only);

/* The text of an entry, NULL where it has no lines. */
int entry_text(git_blob **ret, git_repository *repository, uint32_t mode,
	const git_oid *id) _must_check_;
