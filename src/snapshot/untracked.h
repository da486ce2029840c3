#pragma once
/*
 * Files that somebody wrote but forgot to "git add": a git flake does not see them, and
 * the error that follows does not say why. Looks for *.nix beside tracked files and in
 * new directories there, in a limited number of directories.
 */
#include "record/record.h"
#include "snapshot/taking.h"

/* Sets Untracked in the answer to their names, in words, if there are any. */
void untracked_describe(
	struct record *answer, const struct taking *taking, git_repository *repository);
