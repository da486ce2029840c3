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

/*
 * Whether the other file is the same for another machine or user: its path differs in one
 * directory alone (hosts/box/web.nix, hosts/laptop/web.nix), or in the name alone where a
 * directory has a file for each. Or it is of another kind, as a backup. What stands there
 * has nothing to do with this machine's.
 */
bool path_is_anothers(const char *path, const char *other);
