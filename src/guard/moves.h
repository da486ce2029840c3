#pragma once
/*
 * What was moved or copied: lines and whole files that one tree lacks in one place and
 * has in another.
 */
#include "guard/items.h"

/* Drops what is lost in one place and new in another, as it was or in the other form of a
 * set (flat.h). A copy that was there before is a different line. */
void items_drop_moved(struct items *items);

/*
 * Marks lines that the other tree has elsewhere: lost ones in mine (tree), or returned
 * ones in live. This reads all texts of the tree.
 */
void items_mark_copies(struct items *items, git_repository *repository,
	const struct settings *settings, const git_oid *tree, bool lost);
