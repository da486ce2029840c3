#pragma once
/*
 * The lines that differ between two texts, as items: statements of Nix, lines of the
 * rest. What says little is left out of a hunk that has a line that says more.
 */
#include "guard/items.h"

/* Adds those of a path that both sides have, or one (NULL: the other has none). Prints
 * and returns -1 if they cannot be compared. */
int hunks_add_lines(struct items *items, size_t path, const git_blob *live,
	const git_blob *mine) _must_check_;
