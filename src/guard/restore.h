#pragma once
/*
 * The way out of a refusal: the caller's own tree with all that was refused set right,
 * that is, lost lines back in place and returned ones out. A patch from what the checkout
 * has now to this tree needs no commit, no history and no clean working tree.
 */
#include "guard/by_hand.h"

/*
 * *ret: the tree, whose objects exist only for this handle of the ledger (objects.h).
 * by_hand: paths left as they are, so that the caller loses nothing, no bracket stays
 * open, no name is defined twice. added: files that come back whole. Returns 1; 0 if no
 * path is set right, -1 (printed) on error.
 */
int restore_tree(git_oid *ret, struct by_hand *by_hand, struct strv *added,
	const struct verdict *verdict) _must_check_;
