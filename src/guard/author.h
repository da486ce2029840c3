#pragma once
/*
 * Who an item belongs to: the build that brought it, and its author, whom agents' hooks
 * may know better than the build does. The court owns what is returned.
 */
#include "guard/court.h"

/* The build to name as the item's; NULL: not known. */
const struct build *item_maker(const struct court *court, const struct item *item);

/* Who wrote it: the only one who edited the file before it was first built, else the
 * builder. NULL: not known. */
const char *item_author(const struct court *court, const struct item *item);

/* Whether the author, as far as edits are noted, has taken it out (or put it back). */
bool item_is_taken_back(struct court *court, const struct item *item, const char *author);

/* Whether a rollback took it out of somebody else's build. Even the caller's own rollback
 * counts: it had a reason, so nothing may come back unseen. */
bool item_was_taken_from_another(const struct court *court, const struct item *item);

/* Whether its build had it uncommitted. */
bool item_is_uncommitted(struct court *court, const struct item *item);
