#include "guard/restore.h"

#include <jansson.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "guard/lines.h"

static bool is_refused(const struct finding *finding, const char *path)
{
	return finding->verdict == VERDICT_REFUSED && streq(finding->path, path);
}

/* The finding about this line of the path, among those of one side. */
static const struct finding *find_line(
	const struct verdict *verdict, const char *path, bool is_lost, unsigned line)
{
	for (size_t i = 0; i < verdict->len; i++) {
		const struct finding *finding = &verdict->list[i];

		if (finding->kind == ITEM_LINE && finding->is_lost == is_lost &&
			finding->line == line && streq(finding->path, path))
			return finding;
	}
	return NULL;
}

/* A line of the difference from mine (old) to live (new). */
struct diff_line {
	unsigned hunk;   /* counted from 1 */
	bool is_lost;    /* live has it */
	unsigned line;   /* in its file */
	unsigned before; /* lost: the line of mine that it stands before */
	const char *text;
	size_t len;
	uint64_t hash;
	const struct finding *finding; /* NULL: there is none about it */
	bool is_refused;
	size_t pair; /* the line of the other side and the same name; NO_PAIR */
};

#define NO_PAIR SIZE_MAX
/* More of one file are for a person to merge. */
#define DIFF_LINES_MAX 4000

/* A text in the making: mine, with what is refused set right. */
struct merge {
	const struct verdict *verdict;
	const char *path;
	struct diff_line *list;
	size_t len;
	unsigned hunks;
	struct strbuf out;
	const char *at, *end; /* of mine */
	unsigned line;        /* of mine, that comes next */
	bool conflict;        /* what is refused and what is mine are interwoven */
};

static int begin_hunk(const git_diff_delta *delta, const git_diff_hunk *hunk, void *data)
{
	struct merge *merge = data;

	(void)delta;
	(void)hunk;
	merge->hunks++;
	return 0;
}

static int take_line(const git_diff_delta *delta, const git_diff_hunk *hunk,
	const git_diff_line *line, void *data)
{
	struct merge *merge = data;
	struct diff_line *ret;

	(void)delta;
	if (line->origin != GIT_DIFF_LINE_DELETION &&
		line->origin != GIT_DIFF_LINE_ADDITION)
		return 0;
	if (merge->len == DIFF_LINES_MAX) {
		merge->conflict = true;
		return 0;
	}
	merge->list = xgrow(merge->list, merge->len, sizeof(*merge->list));
	ret = &merge->list[merge->len++];
	*ret = (struct diff_line){
		.hunk = merge->hunks,
		.pair = NO_PAIR,
		.is_lost = line->origin == GIT_DIFF_LINE_ADDITION,
		.line = (unsigned)(line->origin == GIT_DIFF_LINE_ADDITION
					   ? line->new_lineno
					   : line->old_lineno),
		/* Where old lines go, the new ones stand behind them. */
		.before = (unsigned)(hunk->old_start + hunk->old_lines) +
			  (hunk->old_lines == 0),
		.text = line->content,
		.len = line->content_len,
		.hash = line_hash(line->content, line->content_len),
	};
	ret->finding = find_line(merge->verdict, merge->path, ret->is_lost, ret->line);
	ret->is_refused = ret->finding && ret->finding->verdict == VERDICT_REFUSED;
	return 0;
}

/* What says nothing by itself goes with those that do: lost ones with any that is
 * refused, returned ones only where all are. */
static bool goes_along(const struct merge *merge, const struct diff_line *line,
	const struct counts *mine)
{
	bool any = false, all = true;

	if (line->finding || (line->hash && !line_is_bare(line->text, line->len) &&
				     (!line->is_lost || counts_get(mine, line->hash))))
		return false;
	for (size_t i = 0; i < merge->len; i++) {
		const struct diff_line *other = &merge->list[i];

		if (other->hunk != line->hunk || other->is_lost != line->is_lost)
			continue;
		any = any || other->is_refused;
		all = all && (other->is_refused || !other->hash ||
				     line_is_bare(other->text, other->len));
	}
	return line->is_lost ? any : any && all;
}

static void copy_lines(struct merge *merge, unsigned before)
{
	for (; merge->at < merge->end && merge->line < before; merge->line++) {
		const char *newline =
			memchr(merge->at, '\n', (size_t)(merge->end - merge->at));
		const char *next = newline ? newline + 1 : merge->end;

		strbuf_add(&merge->out, merge->at, (size_t)(next - merge->at));
		merge->at = next;
	}
}

static void skip_line(struct merge *merge)
{
	const char *newline = memchr(merge->at, '\n', (size_t)(merge->end - merge->at));

	merge->at = newline ? newline + 1 : merge->end;
	merge->line++;
}

/* A name that has one value here and another there, within one hunk. */
static void pair_lines(struct merge *merge)
{
	for (size_t i = 0; i < merge->len; i++) {
		struct diff_line *mine = &merge->list[i];
		const uint64_t key = line_key(mine->text, mine->len);

		for (size_t j = 0; key && !mine->is_lost && j < merge->len; j++) {
			struct diff_line *live = &merge->list[j];

			if (!live->is_lost || live->hunk != mine->hunk ||
				live->pair != NO_PAIR || mine->pair != NO_PAIR ||
				line_key(live->text, live->len) != key)
				continue;
			live->pair = i;
			mine->pair = j;
		}
	}
}

static void put_lost(struct merge *merge, const struct diff_line *line)
{
	if (merge->out.len && merge->out.text[merge->out.len - 1] != '\n')
		strbuf_putc(&merge->out, '\n');
	strbuf_add(&merge->out, line->text, line->len);
	/* The last line of a text may have no newline, and more follows here. */
	if (line->text[line->len - 1] != '\n' && merge->at < merge->end)
		strbuf_putc(&merge->out, '\n');
}

/* mine has a partner in live: the one takes the other's place, or nothing happens. */
static void put_pair(
	struct merge *merge, const struct diff_line *mine, const struct counts *counts)
{
	const struct diff_line *live = &merge->list[mine->pair];

	if (!mine->is_refused && !live->is_refused)
		return;
	/* A new value of one's own is not to be lost to an old one. */
	if (!mine->is_refused && !goes_along(merge, mine, counts))
		merge->conflict = true;
	copy_lines(merge, mine->line);
	skip_line(merge);
	put_lost(merge, live);
}

static void put_merged(struct merge *merge, const struct counts *mine)
{
	pair_lines(merge);
	for (size_t i = 0; i < merge->len; i++) {
		const struct diff_line *line = &merge->list[i];

		if (line->pair != NO_PAIR) {
			if (!line->is_lost)
				put_pair(merge, line, mine);
			continue;
		}
		if (!line->is_refused && !goes_along(merge, line, mine))
			continue;
		copy_lines(merge, line->is_lost ? line->before : line->line);
		if (line->is_lost)
			put_lost(merge, line);
		else
			skip_line(merge);
	}
	copy_lines(merge, UINT32_MAX);
}

/* How many more brackets a text opens than it closes, and whether its strings end. */
struct balance {
	int open[3];
	bool in_string;
};

static struct balance balance_of(const char *text, size_t len)
{
	static const char brackets[] = "{}[]()";
	struct balance ret = {{0}, false};

	for (size_t i = 0; i < len; i++) {
		const char *bracket = text[i] ? strchr(brackets, text[i]) : NULL;

		if (bracket)
			ret.open[(bracket - brackets) / 2] +=
				(bracket - brackets) % 2 ? -1 : 1;
		if (text[i] == '\'' && i + 1 < len && text[i + 1] == '\'') {
			ret.in_string = !ret.in_string;
			i++;
		}
	}
	return ret;
}

static void count_names(struct counts *ret, const char *text, size_t len)
{
	const char *end = text + len, *line;

	while (text_next_line(&text, end, &line, &len)) {
		const uint64_t key = line_key(line, len);

		if (key && !line_is_bare(line, len))
			*counts_at(ret, key) += 1;
	}
}

/* Whether no name is there more often, or less, than in both that were merged. */
static bool names_agree(
	const struct merge *merge, const git_blob *mine, const git_blob *live)
{
	_cleanup_counts_ struct counts here = {0}, there = {0}, merged = {0};

	count_names(&here, git_blob_rawcontent(mine), (size_t)git_blob_rawsize(mine));
	count_names(&there, git_blob_rawcontent(live), (size_t)git_blob_rawsize(live));
	count_names(&merged, merge->out.text, merge->out.len);
	for (size_t i = 0; i < merged.room; i++) {
		const struct count *count = &merged.slots[i];

		if (count->hash && count->value > counts_get(&here, count->hash) &&
			count->value > counts_get(&there, count->hash))
			return false;
	}
	for (size_t i = 0; i < here.room; i++) {
		const struct count *count = &here.slots[i];
		const int64_t left = counts_get(&merged, count->hash);

		if (count->hash && left < count->value &&
			left < counts_get(&there, count->hash))
			return false;
	}
	return true;
}

/* What is put together line by line may still be no Nix, or say a thing twice. */
static bool is_sound(
	const struct merge *merge, const git_blob *mine, const git_blob *live)
{
	const struct balance before =
		balance_of(git_blob_rawcontent(mine), (size_t)git_blob_rawsize(mine));
	const struct balance after = balance_of(merge->out.text, merge->out.len);

	return !merge->conflict && before.in_string == after.in_string &&
	       memcmp(before.open, after.open, sizeof(before.open)) == 0 &&
	       names_agree(merge, mine, live);
}

/* 1; 0 where it must be done by hand. */
static int merge_texts(git_oid *ret, const struct verdict *verdict, const char *path,
	const git_blob *mine, const git_blob *live)
{
	git_diff_options options = GIT_DIFF_OPTIONS_INIT;
	git_repository *repository = verdict->hand->ledger->repository;
	_cleanup_lines_ struct lines lines = {0};
	_cleanup_counts_ struct counts counts = {0};
	struct merge merge = {.verdict = verdict,
		.path = path,
		.out = STRBUF_INIT,
		.at = git_blob_rawcontent(mine),
		.end = (const char *)git_blob_rawcontent(mine) + git_blob_rawsize(mine),
		.line = 1};
	int result, sound = 0;

	options.context_lines = 0;
	options.flags = GIT_DIFF_IGNORE_WHITESPACE;
	result = git_diff_blobs(mine, NULL, live, NULL, &options, NULL, NULL, begin_hunk,
		take_line, &merge);
	lines_split(&lines, mine);
	counts_add_lines(&counts, &lines, 1);
	if (result == 0 && !merge.conflict) {
		put_merged(&merge, &counts);
		sound = is_sound(&merge, mine, live);
	}
	if (sound)
		result = git_blob_create_from_buffer(
			ret, repository, merge.out.text, merge.out.len);
	strbuf_free(&merge.out);
	free(merge.list);
	return result < 0 ? git_failed("cannot set '%s' right", path) : sound;
}

/* The name of the node that an input path ("home-manager/nixpkgs") leads to. */
static const char *node_of(const json_t *file, const char *input)
{
	const json_t *nodes = json_object_get(file, "nodes");
	const char *node = json_string_value(json_object_get(file, "root"));
	_cleanup_free_ char *copy = xstrdup(input);
	char *rest = NULL;

	for (char *name = strtok_r(copy, "/", &rest); node && name;
		name = strtok_r(NULL, "/", &rest))
		node = json_string_value(json_object_get(
			json_object_get(json_object_get(nodes, node), "inputs"), name));
	return node;
}

/* Nix writes these files with two blanks and sorted keys. */
static int merge_lock_files(git_oid *ret, const struct verdict *verdict, const char *path,
	const git_blob *mine, const git_blob *live)
{
	git_repository *repository = verdict->hand->ledger->repository;
	json_t *here = json_loadb(
		git_blob_rawcontent(mine), (size_t)git_blob_rawsize(mine), 0, NULL);
	json_t *there = json_loadb(
		git_blob_rawcontent(live), (size_t)git_blob_rawsize(live), 0, NULL);
	_cleanup_free_ char *text = NULL, *lines = NULL;
	int result = -1;

	for (size_t i = 0; i < verdict->len; i++) {
		const struct finding *finding = &verdict->list[i];
		const char *mine_node, *live_node;

		if (!is_refused(finding, path) || finding->kind != ITEM_INPUT)
			continue;
		mine_node = node_of(here, finding->text);
		live_node = node_of(there, finding->text);
		if (mine_node && live_node)
			json_object_set(json_object_get(here, "nodes"), mine_node,
				json_object_get(
					json_object_get(there, "nodes"), live_node));
	}
	text = json_dumps(here, JSON_INDENT(2) | JSON_SORT_KEYS);
	json_decref(here);
	json_decref(there);
	if (text) {
		lines = xasprintf("%s\n", text);
		result = git_blob_create_from_buffer(
			ret, repository, lines, strlen(lines));
	}
	return result < 0 ? error("cannot set '%s' right", path) : 0;
}

/* What is wrong with the path. */
struct wrongs {
	bool lines, inputs, whole;
	bool has_own; /* and what the caller has written himself */
};

static struct wrongs wrongs_of(const struct verdict *verdict, const char *path)
{
	struct wrongs ret = {false};

	for (size_t i = 0; i < verdict->len; i++) {
		const struct finding *finding = &verdict->list[i];

		if (finding->verdict != VERDICT_REFUSED && !finding->is_lost &&
			streq(finding->path, path))
			ret.has_own = true;
		if (!is_refused(finding, path))
			continue;
		ret.lines = ret.lines || finding->kind == ITEM_LINE;
		ret.inputs = ret.inputs || finding->kind == ITEM_INPUT;
		ret.whole =
			ret.whole || finding->kind == ITEM_ENTRY || finding->whole_file;
	}
	return ret;
}

enum remedy {
	REMEDY_FAILED = -1,
	REMEDY_NONE, /* nothing is wrong */
	REMEDY_UPDATE,
	REMEDY_BY_HAND,
};

static enum remedy merge_path(git_tree_update *ret, const struct verdict *verdict,
	const struct path_change *change, const struct wrongs *wrongs)
{
	git_repository *repository = verdict->hand->ledger->repository;
	_cleanup_git_(blob) git_blob *live = NULL, *mine = NULL;
	int merged = 1;

	if (entry_text(&live, repository, change->old_mode, &change->old_id) < 0 ||
		entry_text(&mine, repository, change->new_mode, &change->new_id) < 0)
		return REMEDY_FAILED;
	if (wrongs->whole || !live || !mine) {
		ret->filemode = (git_filemode_t)change->old_mode;
		if (!live || !mine)
			ret->id = change->old_id;
	}
	if (live && mine && wrongs->inputs)
		merged = merge_lock_files(&ret->id, verdict, change->path, mine, live) < 0
				 ? -1
				 : 1;
	else if (live && mine && wrongs->lines)
		merged = merge_texts(&ret->id, verdict, change->path, mine, live);
	if (merged < 0)
		return REMEDY_FAILED;
	return merged ? REMEDY_UPDATE : REMEDY_BY_HAND;
}

static bool lies_there(const struct verdict *verdict, const char *path)
{
	_cleanup_free_ char *file =
		xasprintf("%s/%s", verdict->hand->configuration->root, path);
	struct stat status;

	return lstat(file, &status) == 0;
}

/* change leads from live (old) to mine (new). */
static enum remedy set_right(git_tree_update *ret, const struct verdict *verdict,
	const struct path_change *change)
{
	const struct wrongs wrongs = wrongs_of(verdict, change->path);

	if (!wrongs.lines && !wrongs.inputs && !wrongs.whole)
		return REMEDY_NONE;
	*ret = (git_tree_update){.action = GIT_TREE_UPDATE_UPSERT,
		.id = change->new_id,
		.filemode = (git_filemode_t)change->new_mode,
		.path = change->path};
	/* Only a part of the file is wrong: it has moved, or was added to. */
	if ((!change->old_mode || !change->new_mode) && (!wrongs.whole || wrongs.has_own))
		return REMEDY_BY_HAND;
	if (!change->old_mode) {
		ret->action = GIT_TREE_UPDATE_REMOVE;
		return REMEDY_UPDATE;
	}
	/* git does not know it: it is to be told of it, not given another. */
	if (!change->new_mode && lies_there(verdict, change->path))
		return REMEDY_NONE;
	if (!change->new_mode) {
		ret->id = change->old_id;
		ret->filemode = (git_filemode_t)change->old_mode;
		return REMEDY_UPDATE;
	}
	return merge_path(ret, verdict, change, &wrongs);
}

/* 0: where a directory took a file's place, say, which is for a person to decide. */
static int update_tree(git_oid *ret, const struct verdict *verdict,
	const git_tree_update *updates, size_t len)
{
	git_repository *repository = verdict->hand->ledger->repository;
	_cleanup_git_(tree) git_tree *tree = NULL;

	if (git_tree_lookup(&tree, repository, &verdict->hand->snapshot->tree) < 0)
		return git_failed("cannot set the configuration right");
	return git_tree_create_updated(ret, repository, tree, len, updates) == 0;
}

int restore_tree(git_oid *ret, struct strv *by_hand, const struct verdict *verdict)
{
	_cleanup_path_changes_ struct path_changes changes = {0};
	_cleanup_free_ git_tree_update *updates = NULL;
	size_t len = 0;
	int result;

	if (tree_diff(&changes, verdict->hand->ledger->repository, &verdict->live,
		    &verdict->hand->snapshot->tree) < 0)
		return -1;
	updates = xcalloc(changes.len, sizeof(*updates));
	for (size_t i = 0; i < changes.len; i++) {
		const enum remedy remedy =
			set_right(&updates[len], verdict, &changes.list[i]);

		if (remedy == REMEDY_FAILED)
			return -1;
		if (remedy == REMEDY_BY_HAND)
			strv_add(by_hand, changes.list[i].path);
		len += remedy == REMEDY_UPDATE;
	}
	result = len ? update_tree(ret, verdict, updates, len) : 0;
	for (size_t i = 0; len && result == 0 && i < len; i++)
		strv_add(by_hand, updates[i].path);
	return result;
}
