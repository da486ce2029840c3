#pragma once
/*
 * A set of Nix that was written flat, or a flat one that was written as a set: the lines
 * of "a.b = { c = 1; };" and "a.b.c = 1;" say the same.
 */
#include "guard/items.h"

/* marked[i]: the other side says it in the other form. Items without a hash do not count.
 */
void items_find_flat(struct items *items, bool *marked);
