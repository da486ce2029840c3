#include "guard/items.h"

#include <fnmatch.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "guard/hunks.h"
#include "guard/moves.h"
#include "snapshot/stub.h"

/* Larger files are compared as a whole. */
#define TEXT_MAX ((git_object_size_t)8 << 20)
bool guard_ignores(const struct settings *settings, const char *path)
{
	for (size_t i = 0; i < settings->guard_ignore.len; i++)
		if (fnmatch(settings->guard_ignore.words[i], path, 0) == 0)
			return true;
	return false;
}

const char *item_path(const struct items *items, const struct item *item)
{
	return items->changes.list[item->path].path;
}

int entry_text(
	git_blob **ret, git_repository *repository, uint32_t mode, const git_oid *id)
{
	*ret = NULL;
	if (!S_ISREG(mode))
		return 0;
	if (git_blob_lookup(ret, repository, id) < 0)
		return git_failed("cannot compare with what is live");
	if (git_blob_rawsize(*ret) > TEXT_MAX || git_blob_is_binary(*ret) ||
		stub_is(*ret)) {
		git_blob_free(*ret);
		*ret = NULL;
	}
	return 0;
}

int change_texts(git_blob **ret_old, git_blob **ret_new, git_repository *repository,
	const struct path_change *change)
{
	if (entry_text(ret_old, repository, change->old_mode, &change->old_id) < 0)
		return -1;
	return entry_text(ret_new, repository, change->new_mode, &change->new_id);
}

static void item_free(struct item *item)
{
	free(item->text);
	free(item->other);
}

struct item *items_add(struct items *items, struct item *item)
{
	struct item *kept;

	if (items->len == ITEMS_MAX) {
		items->more += item->is_lost;
		item_free(item);
		return NULL;
	}
	item->owner = item->brought = item->removed = NO_OWNER;
	kept = list_add(items->list, items->len);
	*kept = *item;
	return kept;
}

void items_drop_marked(struct items *items, size_t start)
{
	size_t kept = start;

	for (size_t i = start; i < items->len; i++) {
		if (items->list[i].hash)
			items->list[kept++] = items->list[i];
		else
			item_free(&items->list[i]);
	}
	items->len = kept;
}

static uint64_t hash_words(const char *a, const char *b)
{
	_cleanup_free_ char *words = xasprintf("x%s %s", a, b);

	return line_hash(words, strlen(words));
}

uint64_t input_hash(const struct lock_input *input)
{
	return input ? hash_words(input->name, input->id) : 0;
}

/* Adds inputs that differ. To go back to an older version, or a former one, is a loss. */
static void add_inputs(struct items *items, size_t path, const struct lock_file *live,
	const struct lock_file *mine)
{
	for (size_t i = 0; i < live->len; i++) {
		const struct lock_input *its = &live->inputs[i];
		const struct lock_input *here = lock_file_find(mine, its->name);
		struct item item = {.kind = ITEM_INPUT, .is_lost = true, .path = path};

		if (lock_input_equals(its, here))
			continue;
		item.hash = input_hash(its);
		item.mine = input_hash(here);
		/* Older by its time, even if nobody had it; others: items_note_stale() */
		item.is_stale = here && here->modified && here->modified < its->modified;
		item.text = xstrdup(its->name);
		item.other = lock_input_describe(its, here);
		items_add(items, &item);
	}
}

uint64_t entry_hash(uint32_t mode, const git_oid *id, bool mode_only)
{
	_cleanup_free_ char *octal = xasprintf("%o", mode);

	if (!mode)
		return 0;
	return hash_words(octal, mode_only ? "mode" : git_oid_tostr_s(id));
}

/* mode_only: the content is compared by lines. */
static struct item *add_entry(
	struct items *items, size_t path, bool mode_only, enum item_verdict verdict)
{
	const struct path_change *change = &items->changes.list[path];
	const bool is_lost = change->old_mode != 0;
	struct item item = {.kind = ITEM_ENTRY,
		.is_lost = is_lost,
		.path = path,
		.by_path = mode_only,
		.verdict = verdict,
		.whole_file = !change->old_mode || !change->new_mode};
	const uint64_t live = entry_hash(change->old_mode, &change->old_id, mode_only);
	const uint64_t mine = entry_hash(change->new_mode, &change->new_id, mode_only);

	item.hash = is_lost ? live : mine;
	item.mine = is_lost ? mine : live;
	return items_add(items, &item);
}

/*
 * A text of which nothing but the order or the indentation differs. That is no loss,
 * unless mine is just as it once was: then it is an old copy.
 */
static int add_layout(struct items *items, size_t path, git_repository *repository,
	const struct settings *settings)
{
	const struct path_change *change = &items->changes.list[path];
	_cleanup_git_(blob) git_blob *live = NULL, *mine = NULL;
	struct item *item;

	if (change->old_mode != change->new_mode || is_lock_file(change->path) ||
		guard_ignores(settings, change->path))
		return 0;
	if (change_texts(&live, &mine, repository, change) < 0)
		return -1;
	if (!live || !mine)
		return 0;
	item = add_entry(items, path, false, VERDICT_NONE);
	if (item) {
		item->is_layout = true;
		item->text = xstrdup("order or indentation");
	}
	return 0;
}

static int add_layouts(
	struct items *items, git_repository *repository, const struct settings *settings)
{
	_cleanup_free_ bool *has_items = xcalloc(items->changes.len + 1, sizeof(bool));

	for (size_t i = 0; i < items->len; i++)
		has_items[items->list[i].path] = true;
	for (size_t i = 0; i < items->moved_len; i++)
		if (items->moved[i].is_elsewhere)
			has_items[items->moved[i].path] = true;
	for (size_t i = 0; i < items->changes.len && !items->more; i++)
		if (!has_items[i] && add_layout(items, i, repository, settings) < 0)
			return -1;
	return 0;
}

static int add_change(struct items *items, size_t path, git_repository *repository,
	const struct settings *settings)
{
	const struct path_change *change = &items->changes.list[path];
	_cleanup_git_(blob) git_blob *live = NULL, *mine = NULL;
	_cleanup_lock_file_ struct lock_file live_lock = {0}, mine_lock = {0};
	size_t len;

	/* One item each, so that ignored lines do not push others out of the list. */
	if (guard_ignores(settings, change->path)) {
		add_entry(items, path, false, VERDICT_IGNORED);
		return 0;
	}
	if (change_texts(&live, &mine, repository, change) < 0)
		return -1;
	/* Of a stub, only its existence is known. */
	if (change->old_mode && change->new_mode && (!live || !mine) &&
		(stub_is_at(repository, &change->old_id) ||
			stub_is_at(repository, &change->new_id)))
		return 0;
	if ((change->old_mode && !live) || (change->new_mode && !mine)) {
		add_entry(items, path, false, VERDICT_NONE);
		return 0;
	}
	if (live && mine && change->old_mode != change->new_mode)
		add_entry(items, path, true, VERDICT_NONE);
	if (live && mine && is_lock_file(change->path)) {
		lock_file_parse(&live_lock, live);
		lock_file_parse(&mine_lock, mine);
	}
	if (live_lock.len && mine_lock.len) {
		add_inputs(items, path, &live_lock, &mine_lock);
		return 0;
	}
	len = items->len;
	if (hunks_add_lines(items, path, live, mine) < 0)
		return -1;
	if (items->len == len && !items->more && (!live || !mine)) {
		struct item *item = add_entry(items, path, false, VERDICT_NONE);

		if (item)
			item->is_empty = true;
	}
	return 0;
}

uint64_t item_site(const struct item *item)
{
	return line_site(item->hash, item->enclosing);
}

bool item_is_whole_file(const struct item *item)
{
	return item->kind == ITEM_ENTRY && item->whole_file && !item->by_path;
}

int items_find(struct items *ret, git_repository *repository, const git_oid *live,
	const git_oid *mine, const struct settings *settings)
{
	*ret = (struct items){0};
	if (tree_diff(&ret->changes, repository, live, mine) < 0)
		return -1;
	for (size_t i = 0; i < ret->changes.len; i++)
		if (add_change(ret, i, repository, settings) < 0)
			return -1;
	items_drop_moved(ret);
	return add_layouts(ret, repository, settings);
}

void items_free(struct items *items)
{
	for (size_t i = 0; i < items->len; i++)
		item_free(&items->list[i]);
	free(items->list);
	free(items->moved);
	path_changes_free(&items->changes);
	*items = (struct items){0};
}
