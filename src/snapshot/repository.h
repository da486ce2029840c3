#pragma once
/*
 * The only place that opens the user's repository. We never write to it, and read it only
 * if its working directory is the one we were told, and its git directory has the same
 * owner (or is root's or ours, and lies inside). Otherwise core.worktree, .git files and
 * commondir could make root read elsewhere. libgit2 runs no hooks, filters or monitors.
 */
#include "ledger/git.h"

/* Prints and returns -1 if it cannot be read or must not be trusted. */
int repository_open(git_repository **ret, const char *root) _must_check_;

/* What git is in the middle of ("merge", "rebase"); NULL: nothing. */
const char *repository_unfinished(git_repository *repository);

/* The commit of HEAD: 1; 0 if there is no commit yet; -1 (printed) on error. */
int repository_head(git_commit **ret, git_repository *repository) _must_check_;

/* Whether a program filters the file when git reads or writes it (LFS, git-crypt). */
bool path_has_program(git_repository *repository, const char *path);
