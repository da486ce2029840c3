#pragma once
/*
 * The caller's text with the lines that a verdict refuses set right: what is lost
 * comes back where it stood, what had been taken out goes, and all that is the caller's
 * own stays.
 */
#include "guard/judge.h"

/*
 * Writes the merged text of path to the ledger: 1. 0 where it must be done by hand: both
 * are interwoven, or the result is not sound. Prints and returns -1 where it fails.
 * has_own: mine has something in it that was never live.
 */
int merge_texts(git_oid *ret, const struct verdict *verdict, const char *path,
	const git_blob *mine, const git_blob *live, bool has_own) _must_check_;
