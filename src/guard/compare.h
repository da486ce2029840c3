#pragma once
/*
 * Which lines, inputs and files of a list of items came or went from one tree to another.
 * Trees are compared by id, so that only what differs is read.
 */
#include "guard/items.h"

/*
 * Sets how much more often each item's line stands in tree to than in tree from: .delta,
 * .delta_here in its own path, and .delta_in_block in blocks like its own, if from has
 * one (if two blocks swap values, each still stands as often in the text). For inputs and
 * entries: whether they came (1) or went (-1) in their path, for whole files in any. seen
 * (may be NULL) is called for each text among the items' paths that changed.
 */
typedef void items_seen(
	size_t path, const struct lines *from, const struct lines *to, void *data);
int items_compare(struct items *items, git_repository *repository, const git_oid *from,
	const git_oid *to, items_seen *seen, void *data) _must_check_;

/* The key by which .delta counts: the line, or the line in its path. */
uint64_t item_place(const struct item *item);

/* Marks as stale the items whose replacement in mine is in a tree compared last. */
void items_note_stale(struct items *items);
