#pragma once
/*
 * Files that are not committed, and when they were saved. The configuration's files are
 * looked at as its owner (in a worker): the user we run as may not be allowed to enter
 * the directory.
 */
#include "base/strv.h"
#include "changes/edits.h"
#include "changes/tree_diff.h"
#include "snapshot/snapshot.h"

struct file_look {
	bool is_there;
	time_t saved;
	uid_t owner;
};

/*
 * One look for each path below root, in their order; if the worker failed (printed),
 * is_there is false in all. No link is followed. The caller frees; never NULL.
 */
struct file_look *files_look(
	const char *root, const char *const *paths, size_t len) _must_check_;

/*
 * "saved 20 s ago", or "claude-code-77b1 edited it 20 s ago" if an agent is known to have
 * saved it. look: what was seen of the path below root. NULL: the file is gone. edits may
 * be NULL. The caller frees.
 */
char *saved_describe(const struct file_look *look, const char *root, const char *path,
	const struct edits *edits) _must_check_;

/* files_look() at all of them. The caller frees. */
struct file_look *changed_files_look(
	const char *root, const struct path_changes *changes) _must_check_;

/*
 * Adds "M modules/a.nix (saved 20 s ago)" for each uncommitted file of the checkout.
 * Returns 1; 0 if there is no commit to compare with; -1 (printed) if the ledger cannot
 * be read.
 */
int uncommitted_list(struct strv *ret, struct ledger *ledger,
	const struct configuration *configuration, const struct snapshot *snapshot,
	const struct edits *edits);
