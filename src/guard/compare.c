#include "guard/compare.h"

/* Spreads paths over the hashes of lines. */
#define PATH_FACTOR 0x9e3779b97f4a7c15

static uint64_t place_in(uint64_t hash, size_t path)
{
	return hash ^ (path + 1) * PATH_FACTOR;
}

/* Whether the item is counted in the whole tree. A file that says nothing is like many
 * others: only its path tells it. */
static bool is_counted(const struct item *item)
{
	return item->kind == ITEM_LINE || (item_is_whole_file(item) && !item->is_empty);
}

uint64_t item_place(const struct item *item)
{
	return item->by_path || !is_counted(item) ? place_in(item->hash, item->path)
						  : item->hash;
}

/* The item's input or entry in another tree, hashed like .hash and .mine. */
static uint64_t item_value(
	const struct item *item, uint32_t mode, const git_oid *id, const git_blob *text)
{
	_cleanup_lock_file_ struct lock_file file = {0};

	if (item->kind == ITEM_ENTRY)
		return entry_hash(mode, id, item->by_path);
	lock_file_parse(&file, text);
	return input_hash(lock_file_find(&file, item->text));
}

/* One comparison of two trees. */
struct comparison {
	struct items *items;
	struct counts wanted, delta; /* lines and whole files; delta: also by path */
	struct counts before;        /* lines of changed texts, in the first tree */
};

static void count_delta(
	struct comparison *comparison, uint64_t hash, size_t path, int64_t value)
{
	if (!counts_get(&comparison->wanted, hash))
		return;
	*counts_at(&comparison->delta, hash) += value;
	*counts_at(&comparison->delta, place_in(hash, path)) += value;
}

static void count_lines(struct comparison *comparison, const struct lines *lines,
	size_t path, int64_t value)
{
	for (size_t i = 0; i < lines->len; i++) {
		const struct line *line = &lines->list[i];

		count_delta(comparison, line->hash, path, value);
		if (line->site != line->hash)
			count_delta(comparison, line->site, path, value);
	}
}

/* Inputs and entries of the path. */
static void compare_values(struct items *items, size_t path,
	const struct path_change *change, const git_blob *from, const git_blob *to)
{
	for (size_t i = 0; i < items->len; i++) {
		struct item *item = &items->list[i];
		uint64_t before, after;

		if (item->path != path || item->kind == ITEM_LINE)
			continue;
		before = item_value(item, change->old_mode, &change->old_id, from);
		after = item_value(item, change->new_mode, &change->new_id, to);
		item->delta = (after == item->hash) - (before == item->hash);
		item->delta_here = item->delta;
		item->has_mine =
			item->mine && (before == item->mine || after == item->mine);
	}
}

static int compare_change(struct comparison *comparison, git_repository *repository,
	const struct path_change *change, items_seen *seen, void *data)
{
	struct items *items = comparison->items;
	const struct path_changes *changes = &items->changes;
	const struct path_change *known = path_changes_find(changes, change->path);
	const size_t path = known ? (size_t)(known - changes->list) : changes->len;
	_cleanup_git_(blob) git_blob *from = NULL, *to = NULL;
	_cleanup_lines_ struct lines from_lines = {0}, to_lines = {0};

	if (change_texts(&from, &to, repository, change) < 0)
		return -1;
	lines_split(&from_lines, change->path, from);
	lines_split(&to_lines, change->path, to);
	counts_add_lines(&comparison->before, &from_lines, 1);
	count_lines(comparison, &from_lines, path, -1);
	count_lines(comparison, &to_lines, path, 1);
	count_delta(comparison, entry_hash(change->old_mode, &change->old_id, false),
		path, -1);
	count_delta(comparison, entry_hash(change->new_mode, &change->new_id, false),
		path, 1);
	if (!known)
		return 0;
	compare_values(items, path, change, from, to);
	if (seen)
		seen(path, &from_lines, &to_lines, data);
	return 0;
}

int items_compare(struct items *items, git_repository *repository, const git_oid *from,
	const git_oid *to, items_seen *seen, void *data)
{
	struct comparison comparison = {.items = items};
	_cleanup_path_changes_ struct path_changes changes = {0};
	int result = tree_diff(&changes, repository, from, to);

	for (size_t i = 0; i < items->len; i++) {
		struct item *item = &items->list[i];

		item->delta = item->delta_here = item->delta_in_block = 0;
		item->has_mine = false;
		if (!is_counted(item))
			continue;
		*counts_at(&comparison.wanted, item->hash) = 1;
		if (item->enclosing)
			*counts_at(&comparison.wanted, item_site(item)) = 1;
	}
	for (size_t i = 0; i < changes.len && result == 0; i++)
		result = compare_change(
			&comparison, repository, &changes.list[i], seen, data);
	for (size_t i = 0; i < items->len; i++) {
		struct item *item = &items->list[i];

		if (!is_counted(item))
			continue;
		item->delta = counts_get(&comparison.delta, item_place(item));
		item->delta_here =
			counts_get(&comparison.delta, place_in(item->hash, item->path));
		if (item->enclosing && counts_get(&comparison.before, item->enclosing))
			item->delta_in_block = counts_get(
				&comparison.delta, place_in(item_site(item), item->path));
	}
	counts_free(&comparison.wanted);
	counts_free(&comparison.delta);
	counts_free(&comparison.before);
	return result;
}

void items_note_stale(struct items *items)
{
	for (size_t i = 0; i < items->len; i++)
		items->list[i].is_stale |= items->list[i].has_mine;
}
