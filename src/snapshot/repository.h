#pragma once
/*
 * The only place that opens the user's repository. It is read and never written, and only
 * where it is what it seems: its working directory is the one we were told, its git
 * directory lies inside, or (a worktree, a submodule, a separate git directory) belongs
 * to the same owner. Otherwise core.worktree, .git files and commondir could make root
 * read elsewhere. libgit2 runs no hooks, filters or monitors of it.
 */
#include "ledger/git.h"

/* Prints and returns -1 where it cannot be read or is not to be trusted. */
int repository_open(git_repository **ret, const char *root) _must_check_;

/* What git is in the middle of ("merge", "rebase"); NULL: nothing. */
const char *repository_unfinished(git_repository *repository);

/* The commit of HEAD: 1, 0 where no commit has been made yet, -1 (printed) on error. */
int repository_head(git_oid *ret, git_repository *repository) _must_check_;
