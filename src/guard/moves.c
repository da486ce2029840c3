#include "guard/moves.h"

#include "base/memory.h"
#include "base/strv.h"
#include "base/text.h"
#include "guard/flat.h"

/* Copies are looked for in at most this many files of a tree. */
#define TREE_READ_MAX 2000

/* Whether the name without its suffix is one of them. */
static bool is_stem_among(const char *name, const char *const *stems)
{
	_cleanup_free_ char *stem = xstrndup(name, strcspn(name, "."));

	return text_is_among(stem, stems);
}

bool path_is_anothers(const char *path, const char *other)
{
	static const char *const directories[] = {"hosts", "host", "machines", "machine",
		"systems", "nodes", "servers", "users", "homes", "home", NULL};
	static const char *const shared[] = {
		"common", "shared", "default", "defaults", "base", "all", "global", NULL};
	const char *suffix = strrchr(path, '.'), *other_suffix = strrchr(other, '.');
	_cleanup_strv_ struct strv ours = {0}, theirs = {0};
	size_t differing = 0, at = 0;

	if (!streq(suffix ? suffix : "", other_suffix ? other_suffix : ""))
		return true;
	ours = strv_components(path);
	theirs = strv_components(other);
	if (ours.len != theirs.len)
		return false;
	for (size_t i = 0; i < ours.len; i++)
		if (!streq(ours.words[i], theirs.words[i])) {
			differing++;
			at = i;
		}
	return differing == 1 && !is_stem_among(ours.words[at], shared) &&
	       !is_stem_among(theirs.words[at], shared) &&
	       (at < ours.len - 1 ||
		       (at && text_is_among(ours.words[at - 1], directories)));
}

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
static void mark_moved(struct items *items, struct item *item, bool is_elsewhere)
{
	if (item->kind == ITEM_LINE && item->is_lost)
		*list_add(items->moved, items->moved_len) =
			(struct moved){item->path, item->line, is_elsewhere};
	item->hash = 0;
}

/* The items of either side by what they say and stand in: for each the next of the same.
 */
struct sites {
	struct counts first; /* index + 1 */
	size_t *next;        /* likewise; 0: it is the last one */
};

static void sites_add(struct sites *sites, const struct item *item, size_t index)
{
	int64_t *first = counts_at(&sites->first, item_site(item));

	sites->next[index] = (size_t)*first;
	*first = (int64_t)index + 1;
}

/* Whether what is lost in one file can be what is new in the other. A file that is gone
 * may have become another machine's. */
static bool is_same(const struct items *items, const struct item *a, const struct item *b)
{
	const struct item *lost = a->is_lost ? a : b;

	return a->path == b->path || lost->whole_file ||
	       !path_is_anothers(item_path(items, a), item_path(items, b));
}

/* The item on the other side that is the same; NULL: none. */
static const struct item *find_same(
	const struct items *items, const struct sites *others, const struct item *item)
{
	size_t at = (size_t)counts_get(&others->first, item_site(item));

	while (at && !is_same(items, item, &items->list[at - 1]))
		at = others->next[at - 1];
	return at ? &items->list[at - 1] : NULL;
}

static void mark_elsewhere(struct items *items)
{
	_cleanup_free_ size_t *next = xcalloc(items->len + 1, sizeof(*next));
	_cleanup_free_ size_t *same = xcalloc(items->len + 1, sizeof(*same));
	struct sites live = {.next = next}, mine = {.next = next};

	for (size_t i = 0; i < items->len; i++)
		if (can_move(&items->list[i]))
			sites_add(items->list[i].is_lost ? &live : &mine, &items->list[i],
				i);
	/* Only then, because marking takes away what an item says. */
	for (size_t i = 0; i < items->len; i++) {
		const struct item *item = &items->list[i], *other = NULL;

		if (can_move(item))
			other = find_same(items, item->is_lost ? &mine : &live, item);
		same[i] = other ? other->path + 1 : 0;
	}
	for (size_t i = 0; i < items->len; i++)
		if (same[i])
			mark_moved(items, &items->list[i],
				same[i] - 1 != items->list[i].path);
	counts_free(&live.first);
	counts_free(&mine.first);
}

static void mark_flat(struct items *items)
{
	_cleanup_free_ bool *marked = xcalloc(items->len + 1, sizeof(*marked));

	items_find_flat(items, marked);
	for (size_t i = 0; i < items->len; i++)
		if (marked[i])
			mark_moved(items, &items->list[i], true);
}

/* The beginning of a set or list of which nothing else is lost. */
static void mark_openings(struct items *items)
{
	_cleanup_counts_ struct counts blocks = {0};

	for (size_t i = 0; i < items->len; i++) {
		const struct item *item = &items->list[i];

		if (item->kind == ITEM_LINE && item->is_lost && item->block)
			*counts_at(&blocks, item->block ^ item->path) += 1;
	}
	for (size_t i = 0; i < items->len; i++) {
		struct item *item = &items->list[i];

		if (item->kind == ITEM_LINE && item->is_lost && item->opens &&
			!item->whole_file &&
			!counts_get(&blocks, item->opens ^ item->path))
			mark_moved(items, item, false);
	}
}

void items_drop_moved(struct items *items)
{
	mark_elsewhere(items);
	mark_flat(items);
	drop_moved_lines(items);
	mark_openings(items);
	items_drop_marked(items, 0);
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
		item->has_near_copy = item->has_near_copy ||
				      !path_is_anothers(item_path(items, item), path);
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
