#include "guard/moves.h"

#include "base/memory.h"
#include "base/strv.h"
#include "base/text.h"
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

/* All of them; strv_split() would leave out those that stand twice. */
static struct strv path_components(const char *path)
{
	struct strv ret = {0};

	for (;;) {
		const size_t len = strcspn(path, "/");

		strv_take(&ret, xstrndup(path, len));
		if (!path[len])
			return ret;
		path += len + 1;
	}
}

/*
 * Whether the other file is the same for another machine or user: its path differs in one
 * directory alone (hosts/box/web.nix, hosts/laptop/web.nix), or in the name alone where a
 * directory has a file for each. Or it is of another kind, as a backup.
 */
static bool is_anothers(const char *path, const char *other)
{
	static const char *const directories[] = {"hosts", "host", "machines", "machine",
		"systems", "nodes", "servers", "users", "homes", "home", NULL};
	const char *suffix = strrchr(path, '.'), *other_suffix = strrchr(other, '.');
	_cleanup_strv_ struct strv ours = {0}, theirs = {0};
	size_t differing = 0, at = 0;

	if (!streq(suffix ? suffix : "", other_suffix ? other_suffix : ""))
		return true;
	ours = path_components(path);
	theirs = path_components(other);
	if (ours.len != theirs.len)
		return false;
	for (size_t i = 0; i < ours.len; i++)
		if (!streq(ours.words[i], theirs.words[i])) {
			differing++;
			at = i;
		}
	return differing == 1 &&
	       (at < ours.len - 1 ||
		       (at && text_is_among(ours.words[at - 1], directories)));
}

/* Looks in a tree's texts for the items; left: how many files may still be read. */
struct gathering {
	git_repository *repository;
	const struct settings *settings;
	struct items *items;
	bool lost; /* which of them */
	size_t left;
};

static int gather_entry(const char *root, const git_tree_entry *entry, void *data)
{
	struct gathering *gathering = data;
	struct items *items = gathering->items;
	_cleanup_free_ char *path = xasprintf("%s%s", root, git_tree_entry_name(entry));
	_cleanup_git_(blob) git_blob *blob = NULL;
	_cleanup_lines_ struct lines lines = {0};
	_cleanup_counts_ struct counts sites = {0};

	if (git_tree_entry_type(entry) != GIT_OBJECT_BLOB ||
		guard_ignores(gathering->settings, path))
		return 0;
	if (!gathering->left-- ||
		entry_text(&blob, gathering->repository, git_tree_entry_filemode(entry),
			git_tree_entry_id(entry)) < 0)
		return -1;
	lines_split(&lines, path, blob);
	for (size_t i = 0; i < lines.len; i++)
		*counts_at(&sites, lines.list[i].site) += 1;
	for (size_t i = 0; i < items->len; i++) {
		struct item *item = &items->list[i];

		if (item->kind != ITEM_LINE || item->is_lost != gathering->lost ||
			!counts_get(&sites, item_site(item)))
			continue;
		item->has_copy = true;
		item->has_near_copy =
			item->has_near_copy || !is_anothers(item_path(items, item), path);
	}
	return 0;
}

void items_mark_copies(struct items *items, git_repository *repository,
	const struct settings *settings, const git_oid *tree_id, bool lost)
{
	_cleanup_git_(tree) git_tree *tree = NULL;
	struct gathering gathering = {repository, settings, items, lost, TREE_READ_MAX};

	if (git_tree_lookup(&tree, repository, tree_id) == 0)
		(void)git_tree_walk(tree, GIT_TREEWALK_PRE, gather_entry, &gathering);
}
