#include "guard/items.h"

#include <fnmatch.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "guard/moves.h"
#include "guard/statements.h"
#include "snapshot/stub.h"

/* Stands for a name; no name has such a small hash. */
#define KEY_OF_FILE 1
/* Larger files are compared as a whole. */
#define TEXT_MAX ((git_object_size_t)8 << 20)
/* At most this many bytes of a line are kept. */
#define LINE_KEPT 200

/* One of the two texts that are compared, split into statements. */
struct side {
	struct statements text;
	struct counts counts; /* how often a line stands in it */
	uint64_t *enclosing;  /* see lines_find_enclosing() */
};

/* One hunk of a diff, and the texts that are compared. */
struct hunk {
	struct items *items;
	size_t path;
	bool whole_file;
	struct side live, mine;
	size_t start;           /* the first item of the hunk */
	struct strbuf sides[2]; /* its text in mine, in live */
};

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

/* Where it is kept; NULL: it is only counted. */
static struct item *add(struct items *items, struct item *item)
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

/* Whether only blanks differ, as when a list was put on one line. Empties the sides. */
static bool differ_in_blanks_alone(struct hunk *hunk)
{
	const uint64_t mine = line_hash(hunk->sides[0].text, hunk->sides[0].len);
	const uint64_t live = line_hash(hunk->sides[1].text, hunk->sides[1].len);

	for (size_t i = 0; i < ARRAY_LEN(hunk->sides); i++)
		strbuf_drop(&hunk->sides[i], hunk->sides[i].len);
	return mine && mine == live;
}

/* Drops lines that stand in many places if the same side of the hunk has one that says
 * more. Not for whole files, whose lines may have come from several builds. */
static void end_hunk(struct hunk *hunk)
{
	struct items *items = hunk->items;
	bool tells[2] = {false};
	const bool same = differ_in_blanks_alone(hunk);

	if (hunk->whole_file) {
		hunk->start = items->len;
		return;
	}
	for (size_t i = hunk->start; i < items->len; i++)
		if (!items->list[i].by_path)
			tells[items->list[i].is_lost] = true;
	for (size_t i = hunk->start; i < items->len; i++)
		if (same || (items->list[i].by_path && tells[items->list[i].is_lost]))
			items->list[i].hash = 0;
	items_drop_marked(items, hunk->start);
	hunk->start = items->len;
}

static int begin_hunk(
	const git_diff_delta *delta, const git_diff_hunk *diff_hunk, void *data)
{
	(void)delta;
	(void)diff_hunk;
	end_hunk(data);
	return 0;
}

static int take_line(const git_diff_delta *delta, const git_diff_hunk *diff_hunk,
	const git_diff_line *line, void *data)
{
	struct hunk *hunk = data;
	const bool is_lost = line->origin == GIT_DIFF_LINE_DELETION;
	const struct side *side = is_lost ? &hunk->live : &hunk->mine;
	size_t len = line->content_len, number;
	struct item item = {.kind = ITEM_LINE, .path = hunk->path, .is_lost = is_lost};

	(void)delta;
	(void)diff_hunk;
	if (!is_lost && line->origin != GIT_DIFF_LINE_ADDITION)
		return 0;
	strbuf_add(&hunk->sides[is_lost], line->content, len);
	while (len && strchr("\r\n", line->content[len - 1]))
		len--;
	number = (size_t)(is_lost ? line->old_lineno : line->new_lineno);
	item.line = statements_number(&side->text, number);
	item.enclosing = side->enclosing[number];
	item.hash = line_identity(line->content, len, item.enclosing);
	if (!item.hash)
		return 0;
	item.by_path = (line_is_bare(line->content, len) && !item.enclosing) ||
		       counts_get(&side->counts, item.hash) > 1;
	if (!line_needs_enclosing(line->content, len))
		item.enclosing = 0;
	item.key = line_key(line->content, len);
	item.whole_file = hunk->whole_file;
	item.text = xstrndup(line->content, len < LINE_KEPT ? len : LINE_KEPT);
	add(hunk->items, &item);
	return 0;
}

static void side_begin(struct side *side, const char *path, const git_blob *blob)
{
	_cleanup_lines_ struct lines lines = {0};

	statements_split(&side->text, path, blob ? git_blob_rawcontent(blob) : "",
		blob ? (size_t)git_blob_rawsize(blob) : 0);
	side->enclosing = lines_find_enclosing(side->text.text, side->text.len);
	lines_split_text(&lines, NULL, side->text.text, side->text.len);
	counts_add_lines(&side->counts, &lines, 1);
}

static void side_free(struct side *side)
{
	statements_free(&side->text);
	counts_free(&side->counts);
	free(side->enclosing);
}

/* Whether only blanks and line breaks differ. */
static bool differ_in_blanks(const git_blob *live, const git_blob *mine)
{
	return live && mine &&
	       line_hash(git_blob_rawcontent(live), (size_t)git_blob_rawsize(live)) ==
		       line_hash(
			       git_blob_rawcontent(mine), (size_t)git_blob_rawsize(mine));
}

/* If both files have one line ("1.2", "nginx"), the path is the name of what it says. */
static void name_single_line(struct hunk *hunk, size_t start)
{
	const struct statements *live = &hunk->live.text, *mine = &hunk->mine.text;
	struct items *items = hunk->items;

	if (hunk->whole_file || !text_is_one_line(live->text, live->len) ||
		!text_is_one_line(mine->text, mine->len))
		return;
	for (size_t i = start; i < items->len; i++)
		if (!items->list[i].key)
			items->list[i].key = KEY_OF_FILE;
}

static int add_lines(
	struct items *items, size_t path, const git_blob *live, const git_blob *mine)
{
	git_diff_options options = GIT_DIFF_OPTIONS_INIT;
	struct hunk hunk = {.items = items,
		.path = path,
		.whole_file = !live || !mine,
		.sides = {STRBUF_INIT, STRBUF_INIT},
		.start = items->len};
	const size_t start = items->len;
	int result;

	if (differ_in_blanks(live, mine))
		return 0;
	options.context_lines = 0;
	options.flags = GIT_DIFF_IGNORE_WHITESPACE;
	side_begin(&hunk.live, items->changes.list[path].path, live);
	side_begin(&hunk.mine, items->changes.list[path].path, mine);
	result = git_diff_buffers(hunk.live.text.text, hunk.live.text.len, NULL,
		hunk.mine.text.text, hunk.mine.text.len, NULL, &options, NULL, NULL,
		begin_hunk, take_line, &hunk);
	end_hunk(&hunk);
	name_single_line(&hunk, start);
	strbuf_free(&hunk.sides[0]);
	strbuf_free(&hunk.sides[1]);
	side_free(&hunk.live);
	side_free(&hunk.mine);
	return result < 0 ? git_failed("cannot compare with what is live") : 0;
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
		add(items, &item);
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
	return add(items, &item);
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
	if (add_lines(items, path, live, mine) < 0)
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
