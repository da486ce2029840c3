#pragma once
/* What is being edited: files that are not committed, and when they were saved. */
#include "base/strv.h"
#include "changes/edits.h"
#include "changes/tree_diff.h"
#include "snapshot/files.h"
#include "snapshot/snapshot.h"

/*
 * "saved 20 s ago", of what was seen under the path below root; where an agent is known
 * to have saved it, "claude-code-77b1 edited it 20 s ago". NULL where it is gone. edits
 * may be NULL. The caller frees.
 */
char *saved_describe(const struct file_look *look, const char *root, const char *path,
	const struct edits *edits) _must_check_;

/* files_look() at all of them. The caller frees. */
struct file_look *changed_files_look(
	const char *root, const struct path_changes *changes) _must_check_;

/*
 * Adds "M modules/a.nix (saved 20 s ago)" for each file of the checkout that is not
 * committed. 0 where there is nothing to compare with (no commit), -1 (printed) where the
 * ledger cannot be read, else 1.
 */
int uncommitted_list(struct strv *ret, struct ledger *ledger,
	const struct configuration *configuration, const struct snapshot *snapshot,
	const struct edits *edits);
