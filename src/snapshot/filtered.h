#pragma once
/*
 * What git filters on its way in (line endings, $Id$) is not what lies on disk, which is
 * what Nix reads and a snapshot holds. Compared with what was committed, all such files
 * would count as edited. Filters of programs (LFS, git-crypt) are not run: what they have
 * checked out is known by git's index. A stub (stub.h) counts as what was committed if
 * that is as long.
 */
#include "snapshot/taking.h"

/*
 * The tree of HEAD, with each file as it lies there that has its content but for the
 * filters: 1, sent. 0: no file is filtered, or a stub. Prints and returns -1 where it
 * cannot be read.
 */
int filtered_tree(git_oid *ret, const struct taking *taking,
	git_repository *repository) _must_check_;
