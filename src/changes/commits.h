#pragma once
/*
 * The commits that lie between builds, out of the user's repository: read in a worker.
 * Each step leads from everything known before to one more commit; the same commit is
 * listed once, at the first step that has it.
 */
#include "base/strv.h"
#include "ledger/git.h"

/* At most this many of a step are listed, the rest is counted. */
#define COMMITS_SHOWN 10

struct commit_step {
	git_oid to;          /* zero: this step has none */
	struct strv commits; /* "1a2b3c4d by "Alice": "add nginx"", newest first */
	size_t more;
};

/*
 * Fills the steps, oldest first; from is where the first one starts. Commits that the
 * repository does not have leave their step empty. Prints and returns -1 where it cannot
 * be read.
 */
int commits_list(struct commit_step *steps, size_t len, const char *root,
	const git_oid *from) _must_check_;
void commit_step_free(struct commit_step *step);
