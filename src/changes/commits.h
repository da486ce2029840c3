#pragma once
/*
 * The commits between builds. A worker reads them from the user's repository. Each step
 * lists what one more commit adds to all that came before, so that a commit is listed
 * once, at the first step that has it.
 */
#include "base/strv.h"
#include "ledger/git.h"

/* At most this many of a step are listed, the rest is counted. */
#define COMMITS_SHOWN 10

struct commit_step {
	git_oid to;          /* zero: this step has no commits */
	struct strv commits; /* "1a2b3c4d by "Alice": "add nginx"", newest first */
	size_t more;
};

/*
 * Fills the steps, which are in order of age, oldest first; the first one starts at from.
 * If the repository lacks the commit, its step stays empty. Prints and returns -1 if the
 * repository cannot be read.
 */
int commits_list(struct commit_step *steps, size_t len, const char *root,
	const git_oid *from) _must_check_;
