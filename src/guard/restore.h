#pragma once
/*
 * The way out of a refusal that works in any state of a checkout: the caller's own tree
 * with all that was refused set right, lost lines back in their place and returned ones
 * out, as a patch against what lies there now. No commit, no history and no clean working
 * tree is needed for it.
 */
#include "guard/judge.h"

/*
 * *ret: the tree, whose objects are there for ledger's handle alone (see objects.h).
 * by_hand: the paths left as they are, since what is refused and what the caller has
 * written himself are interwoven there: nothing of his is ever lost, no bracket left
 * open and no name defined twice. added: the files that come back whole. 1; 0 where no
 * path is set right, -1 (printed) on error.
 */
int restore_tree(git_oid *ret, struct strv *by_hand, struct strv *added,
	const struct verdict *verdict) _must_check_;
