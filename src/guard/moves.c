#include "guard/moves.h"

#include "base/memory.h"
#include "guard/flat.h"

/* Copies are looked for in at most this many files of a tree. */
#define TREE_READ_MAX 2000

/* A file of which a part has moved elsewhere is not missing, only some of its lines. */
static void drop_moved_lines(struct items *items)
{
	_cleanup_free_ bool *in_part = xcalloc(items->changes.len + 1, sizeof(bool));

	for (size_t i = 0; i < items->len; i++)
		if (!items->list[i].hash)
			in_part[items->list[i].path] = true;
	for (size_t i = 0; i < items->len; i++)
		if (items->list[i].kind == ITEM_LINE && in_part[items->list[i].path])
			items->list[i].whole_file = false;
	items_drop_marked(items, 0);
}

static bool can_move(const struct item *item)
{
	return item->kind == ITEM_LINE ||
	       (item_is_whole_file(item) && item->verdict != VERDICT_IGNORED);
}

/* Marks an item, and keeps where a lost line was: see struct moved. */
static void mark_moved(struct items *items, struct item *item)
{
	if (item->kind == ITEM_LINE && item->is_lost)
		*list_add(items->moved, items->moved_len) =
			(struct moved){item->path, item->line};
	item->hash = 0;
}

static void mark_elsewhere(struct items *items)
{
	_cleanup_counts_ struct counts live = {0}, mine = {0};

	for (size_t i = 0; i < items->len; i++) {
		const struct item *item = &items->list[i];

		if (can_move(item))
			*counts_at(item->is_lost ? &live : &mine, item_site(item)) += 1;
	}
	for (size_t i = 0; i < items->len; i++) {
		struct item *item = &items->list[i];

		if (can_move(item) &&
			counts_get(item->is_lost ? &mine : &live, item_site(item)))
			mark_moved(items, item);
	}
}

static void mark_flat(struct items *items)
{
	_cleanup_free_ bool *marked = xcalloc(items->len + 1, sizeof(*marked));

	items_find_flat(items, marked);
	for (size_t i = 0; i < items->len; i++)
		if (marked[i])
			mark_moved(items, &items->list[i]);
}

void items_drop_moved(struct items *items)
{
	mark_elsewhere(items);
	mark_flat(items);
	drop_moved_lines(items);
}

/* Counts the lines of a tree's texts by site; left: how many files may still be read. */
struct gathering {
	git_repository *repository;
	const struct settings *settings;
	struct counts *counts;
	size_t left;
};

static int gather_entry(const char *root, const git_tree_entry *entry, void *data)
{
	struct gathering *gathering = data;
	_cleanup_free_ char *path = xasprintf("%s%s", root, git_tree_entry_name(entry));
	_cleanup_git_(blob) git_blob *blob = NULL;
	_cleanup_lines_ struct lines lines = {0};

	if (git_tree_entry_type(entry) != GIT_OBJECT_BLOB ||
		guard_ignores(gathering->settings, path))
		return 0;
	if (!gathering->left-- ||
		entry_text(&blob, gathering->repository, git_tree_entry_filemode(entry),
			git_tree_entry_id(entry)) < 0)
		return -1;
	lines_split(&lines, path, blob);
	for (size_t i = 0; i < lines.len; i++)
		*counts_at(gathering->counts, lines.list[i].site) += 1;
	return 0;
}

void items_mark_copies(struct items *items, git_repository *repository,
	const struct settings *settings, const git_oid *tree_id, bool lost)
{
	_cleanup_git_(tree) git_tree *tree = NULL;
	_cleanup_counts_ struct counts counts = {0};
	struct gathering gathering = {repository, settings, &counts, TREE_READ_MAX};

	if (git_tree_lookup(&tree, repository, tree_id) < 0)
		return;
	(void)git_tree_walk(tree, GIT_TREEWALK_PRE, gather_entry, &gathering);
	for (size_t i = 0; i < items->len; i++) {
		struct item *item = &items->list[i];

		if (item->kind == ITEM_LINE && item->is_lost == lost)
			item->has_copy = counts_get(&counts, item_site(item)) > 0;
	}
}
