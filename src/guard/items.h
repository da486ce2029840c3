#pragma once
/*
 * What differs between the live configuration and a new one ("mine"), item by item: lines
 * that only one of them has, inputs of a flake.lock, and as a whole what has no lines
 * (binary content, links, modes). What was merely moved, sorted or indented is no
 * difference. Equal lines in different blocks ("enable = true;") are different lines.
 *
 * A line that stands in many places is not judged by itself if its hunk has a line that
 * says more.
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
	VERDICT_NONE,    /* taken from nobody, or never live */
	VERDICT_MOVED,   /* a lost line that is elsewhere in mine */
	VERDICT_IGNORED, /* [guard] ignore */
	VERDICT_UNKNOWN, /* a loss, but not known whose */
	VERDICT_OWN,
	VERDICT_REVERTED,  /* by a commit that says so */
	VERDICT_REWRITTEN, /* its commit was amended or rebased */
	VERDICT_WARNING,
	VERDICT_REFUSED,
};

struct item {
	enum item_kind kind;
	bool is_lost;       /* live has it and mine does not; else the other way round */
	size_t path;        /* index into the changes */
	unsigned line;      /* in the live file (lost) or mine; 0: none */
	char *text;         /* the line, the input's name, what of the path (NULL: all) */
	char *other;        /* what replaces it; NULL: nothing */
	uint64_t hash;      /* what is looked for in other trees */
	uint64_t mine;      /* input, entry: hash of what replaces it; 0: nothing */
	uint64_t enclosing; /* line: what it stands in; 0: that does not matter */
	uint64_t block;     /* line: what it stands in, also where that does not matter */
	uint64_t opens; /* line: as .block of those that stand in it; 0: it opens none */
	uint64_t key;   /* line: hash of its name, see line_key(); 0: none */
	bool has_copy;  /* line: the tree that lacks it here has it elsewhere, */
	bool has_near_copy; /* ... in a file that is not another machine's or user's */
	bool by_path;       /* look for it only in its own path */
	bool whole_file;    /* its file is missing in mine (lost) or in live */
	bool is_layout;     /* entry: only order and indentation differ */
	bool is_empty;      /* entry: a text that says nothing, as "{ }" */

	/* Found by attribution.c, history.c, compare.c and court.c. */
	enum item_verdict verdict;
	size_t owner;         /* the step that made it differ; NO_OWNER: not known */
	size_t removed;       /* the step that removed its whole file; NO_OWNER: none */
	size_t brought;       /* if owner is a rollback: the step that it took back */
	uint64_t first_build; /* a build in the owner's .failed that had the line first;
				 0: none */
	bool brought_here; /* .brought is a step in this very path, not in another one */
	bool is_fresh;     /* mine has lines that others built into the path later */
	bool is_reverted, is_rewritten; /* see history.h */
	bool is_stale;                  /* input, entry: what replaces it is older */
	bool is_import;                 /* see imports.h: its file is its owner's */
	bool is_settled;                /* the owner changed this very path or block */
	bool has_moved;                 /* a later step moved it here */
	bool was_moved;                 /* line: some step moved it from or to here */
	bool replaces;                  /* line: it replaces a lost one */
	/* From the last comparison of two trees, see items_compare(). */
	bool has_mine; /* one of the two trees has what replaces it */
	int64_t delta, delta_here, delta_in_block;
};

#define NO_OWNER SIZE_MAX

/* Whether it is a file without lines (a picture, a link) that only one side has. */
bool item_is_whole_file(const struct item *item);

/* A lost line that was dropped because mine has it elsewhere: nothing is wrong with it,
 * but a patch must not bring it back here. */
struct moved {
	size_t path; /* index into the changes */
	unsigned line;
	bool is_elsewhere; /* in another file, or written in another way */
};

struct items {
	struct path_changes changes; /* live is the old side */
	struct item *list;
	size_t len;
	struct moved *moved;
	size_t moved_len;
	size_t more; /* losses that are not listed */
};

/* Beyond these, losses are counted, not listed, and always refused. */
#define ITEMS_MAX 20000

/* Prints and returns -1 if a tree cannot be read. */
int items_find(struct items *ret, git_repository *repository, const git_oid *live,
	const git_oid *mine, const struct settings *settings) _must_check_;
void items_free(struct items *items);

/* Takes the item's texts. Where it is kept; NULL: it is only counted. */
struct item *items_add(struct items *items, struct item *item);
/* Drops the items from start on that are marked by a zero hash. */
void items_drop_marked(struct items *items, size_t start);
/* Whether [guard] ignore matches: such a path is named, but never a reason to refuse. */
bool guard_ignores(const struct settings *settings, const char *path);

const char *item_path(const struct items *items, const struct item *item);

/* A line and what it stands in: if another file has the same pair, it has moved. */
uint64_t item_site(const struct item *item);

/* An item's .hash and .mine: of an input of a flake.lock, of a whole path, or (mode_only)
 * of its mode. 0: there is none. */
uint64_t input_hash(const struct lock_input *input);
uint64_t entry_hash(uint32_t mode, const git_oid *id, bool mode_only);

/* The text of an entry; NULL: it has no lines. */
int entry_text(git_blob **ret, git_repository *repository, uint32_t mode,
	const git_oid *id) _must_check_;
/* The same for both sides. */
int change_texts(git_blob **ret_old, git_blob **ret_new, git_repository *repository,
	const struct path_change *change) _must_check_;
