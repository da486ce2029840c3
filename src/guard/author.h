#pragma once
/*
 * Who an item belongs to: the build that brought it, and its writer, which agents' hooks
 * may know better than the build does. What is returned belongs to the court.
 */
#include "guard/court.h"

/* The build that is named for the item; NULL: not known. */
const struct build *item_maker(const struct court *court, const struct item *item);

/* Who wrote it: the only one who edited the file before it was first built, else the
 * builder. NULL: not known. */
const char *item_author(const struct court *court, const struct item *item);

/* Whether it may as well be its builder's, whose edits by a shell nobody notes. */
bool item_may_be_builders(
	const struct court *court, const struct item *item, const char *author);

/* Whether the author has taken it out again himself, as far as edits are known. */
bool item_is_taken_back(struct court *court, const struct item *item, const char *author);

/* Whether a rollback took it out, of a build that is not the caller's. */
bool item_was_taken_from_another(const struct court *court, const struct item *item);

/* Whether the file was not committed as its build had it. */
bool item_is_uncommitted(struct court *court, const struct item *item);
