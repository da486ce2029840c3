#pragma once
/*
 * git filters some files when they are added (line endings, $Id$). Nix reads, and a
 * snapshot holds, what is on disk. Compared with what was committed, all such files
 * would count as edited. Filters of programs (LFS, git-crypt) are not run: what they have
 * checked out is known by git's index. A stub (stub.h) counts as unchanged if
 * the committed file has its size.
 */
#include "snapshot/taking.h"

/*
 * The tree of HEAD, in which files that differ only by a filter, or as a stub, are as on
 * disk. Returns 1 (the tree is sent), or 0 if there are no such files; prints and returns
 * -1 if HEAD cannot be read.
 */
int filtered_tree(git_oid *ret, const struct taking *taking,
	git_repository *repository) _must_check_;
