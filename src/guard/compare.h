#pragma once
/*
 * What two trees make of a list of items: which of their lines, inputs and files have
 * come from one to the other, and which have gone. Trees are compared by id, so that only
 * what differs is read.
 */
#include "guard/items.h"

/*
 * How often each item's line stands in one tree more than in another, as its .delta, in
 * its own path as .delta_here, and as .delta_in_block in blocks like its own, if there
 * was one before (values that change places between two blocks stand in the text as often
 * as they did); and for inputs and entries whether they have come (1) or gone (-1) in
 * their path, whole files in any. seen (NULL: nobody) is called for each text that
 * changed.
 */
typedef void items_seen(
	size_t path, const struct lines *from, const struct lines *to, void *data);
int items_compare(struct items *items, git_repository *repository, const git_oid *from,
	const git_oid *to, items_seen *seen, void *data) _must_check_;

/* A key for what .delta counts: the line, or the line in its path. */
uint64_t item_place(const struct item *item);

/* Marks what was in the trees compared last: they have been live. */
void items_note_stale(struct items *items);
