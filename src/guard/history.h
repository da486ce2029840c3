#pragma once
/*
 * What the user's repository tells about differences: whether the live commit is in HEAD,
 * what both have in common, which commits say that they revert something, and which were
 * written anew (amended, rebased). All of it is missing where there is no git, and parts
 * where commits are gone: then the differences are judged without.
 */
#include "guard/items.h"

struct history {
	git_repository *repository; /* sees the ledger's objects and the checkouts' */
	git_repository *checkout;   /* the caller's; NULL: no git */
	git_oid head, live;         /* commits; zero: none */
	bool live_is_known;         /* its commit is to be had */
	bool has_live;              /* HEAD contains it */
	git_oid base;               /* tree of the common ancestor; zero: none */
};

/*
 * repository: the ledger's, which from now on also sees the objects of the checkout at
 * root (NULL: no git) and, where the live commit is not there, of the one at live_root
 * (NULL: gone). Prints and returns -1 where the checkout cannot be read.
 */
int history_open(struct history *ret, git_repository *repository, const char *root,
	const char *live_root, const git_oid *head, const git_oid *live) _must_check_;
void history_free(struct history *history);

/* The tree of a commit; false where it cannot be read. */
bool history_tree(git_oid *ret, const struct history *history, const git_oid *commit);

/* Marks by .is_reverted and .is_rewritten; live: what the items are losses of. Best
 * effort. */
void history_mark(
	const struct history *history, struct items *items, const git_oid *live);
