#pragma once
/*
 * Sets right what a verdict refuses in the caller's text: lost lines come back where they
 * stood, returned ones go, and all that is the caller's own stays.
 */
#include "guard/judge.h"

/*
 * Writes the merged text of path to the ledger and returns 1. 0: it must be done by hand,
 * because lines of both are mixed, or the result might not work. Prints and returns -1 on
 * failure. has_own: mine has something in the path that was never live.
 */
int merge_texts(git_oid *ret, const struct verdict *verdict, const char *path,
	const git_blob *mine, const git_blob *live, bool has_own) _must_check_;
