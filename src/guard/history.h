#pragma once
/*
 * What the user's repository tells about differences: whether HEAD contains the live
 * commit, what both have in common, which commits say that they revert something, and
 * which were amended or rebased. Without git, or where commits are gone, differences are
 * judged without this.
 */
#include "guard/items.h"

struct history {
	git_repository *repository; /* sees the ledger's objects and the checkouts' */
	git_repository *checkout;   /* the user's own; NULL: there is no git */
	git_oid head, live;         /* commits; zero: none */
	bool live_is_known;         /* its commit can be read */
	bool has_live;              /* HEAD contains it, or there is no git */
	git_oid base;               /* tree of the common ancestor; zero: none */
	bool trusts_checkout; /* what was amended in it may have been so by the author */
};

/*
 * repository: the ledger's. From now on it also sees the objects of the checkout at root
 * (NULL: no git) and, if the live commit is not there, of the one at live_root (NULL:
 * gone). Prints and returns -1 if the checkout at root cannot be read.
 */
int history_open(struct history *ret, git_repository *repository, const char *root,
	const char *live_root, const git_oid *head, const git_oid *live) _must_check_;
void history_close(struct history *history);

/* The tree of a commit; false if it cannot be read. */
bool history_tree(git_oid *ret, const struct history *history, const git_oid *commit);

/* Sets the items' .is_reverted and .is_rewritten, as far as commits can be read. live:
 * the live tree; .trusts_checkout must be set. */
void history_mark(
	const struct history *history, struct items *items, const git_oid *live);
