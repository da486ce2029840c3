#pragma once
/*
 * Files that somebody wrote and forgot to "git add": a git flake does not see them, and
 * the error that follows does not say why. Looked for beside tracked files only, by their
 * name
 * (*.nix), and in a bounded number of directories.
 */
#include "record/record.h"
#include "snapshot/taking.h"

/* Sets Untracked in the answer to their names, in words, where there are any. */
void untracked_describe(
	struct record *answer, const struct taking *taking, git_repository *repository);
