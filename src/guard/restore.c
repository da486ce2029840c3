#include "guard/restore.h"

#include <jansson.h>

#include "base/memory.h"
#include "base/message.h"
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
};

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
	merge->list = xgrow(merge->list, merge->len, sizeof(*merge->list));
	ret = &merge->list[merge->len++];
	*ret = (struct diff_line){
		.hunk = merge->hunks,
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

static void put_merged(struct merge *merge, const struct counts *mine)
{
	for (size_t i = 0; i < merge->len; i++) {
		const struct diff_line *line = &merge->list[i];

		if (!line->is_refused && !goes_along(merge, line, mine))
			continue;
		copy_lines(merge, line->is_lost ? line->before : line->line);
		if (!line->is_lost) {
			skip_line(merge);
			continue;
		}
		if (merge->out.len && merge->out.text[merge->out.len - 1] != '\n')
			strbuf_putc(&merge->out, '\n');
		strbuf_add(&merge->out, line->text, line->len);
		/* The last line of a text may have no newline, and more follows here. */
		if (line->text[line->len - 1] != '\n' && merge->at < merge->end)
			strbuf_putc(&merge->out, '\n');
	}
	copy_lines(merge, UINT32_MAX);
}

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
	int result;

	options.context_lines = 0;
	options.flags = GIT_DIFF_IGNORE_WHITESPACE;
	result = git_diff_blobs(mine, NULL, live, NULL, &options, NULL, NULL, begin_hunk,
		take_line, &merge);
	lines_split(&lines, mine);
	counts_add_lines(&counts, &lines, 1);
	if (result == 0)
		put_merged(&merge, &counts);
	if (result == 0)
		result = git_blob_create_from_buffer(
			ret, repository, merge.out.text, merge.out.len);
	strbuf_free(&merge.out);
	free(merge.list);
	return result < 0 ? git_failed("cannot set '%s' right", path) : 0;
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

/* What kind of thing is wrong with the path. */
struct wrongs {
	bool lines, inputs, whole;
};

static struct wrongs wrongs_of(const struct verdict *verdict, const char *path)
{
	struct wrongs ret = {false};

	for (size_t i = 0; i < verdict->len; i++) {
		const struct finding *finding = &verdict->list[i];

		if (!is_refused(finding, path))
			continue;
		ret.lines = ret.lines || finding->kind == ITEM_LINE;
		ret.inputs = ret.inputs || finding->kind == ITEM_INPUT;
		ret.whole =
			ret.whole || finding->kind == ITEM_ENTRY || finding->whole_file;
	}
	return ret;
}

/* change leads from live (old) to mine (new). 1: *ret sets it right; 0: nothing to do. */
static int set_right(git_tree_update *ret, const struct verdict *verdict,
	const struct path_change *change)
{
	const struct wrongs wrongs = wrongs_of(verdict, change->path);
	git_repository *repository = verdict->hand->ledger->repository;
	_cleanup_git_(blob) git_blob *live = NULL, *mine = NULL;

	if (!wrongs.lines && !wrongs.inputs && !wrongs.whole)
		return 0;
	*ret = (git_tree_update){.action = GIT_TREE_UPDATE_UPSERT,
		.id = change->new_id,
		.filemode = (git_filemode_t)change->new_mode,
		.path = change->path};
	if (!change->old_mode) {
		ret->action = GIT_TREE_UPDATE_REMOVE;
		return 1;
	}
	if (entry_text(&live, repository, change->old_mode, &change->old_id) < 0 ||
		entry_text(&mine, repository, change->new_mode, &change->new_id) < 0)
		return -1;
	if (wrongs.whole || !live || !mine) {
		ret->filemode = (git_filemode_t)change->old_mode;
		if (!live || !mine)
			ret->id = change->old_id;
	}
	if (live && mine && wrongs.inputs)
		return merge_lock_files(&ret->id, verdict, change->path, mine, live) < 0
			       ? -1
			       : 1;
	if (live && mine && wrongs.lines)
		return merge_texts(&ret->id, verdict, change->path, mine, live) < 0 ? -1
										    : 1;
	return 1;
}

int restore_tree(git_oid *ret, const struct verdict *verdict)
{
	git_repository *repository = verdict->hand->ledger->repository;
	const git_oid *mine = &verdict->hand->snapshot->tree;
	_cleanup_git_(tree) git_tree *tree = NULL;
	_cleanup_path_changes_ struct path_changes changes = {0};
	_cleanup_free_ git_tree_update *updates = NULL;
	size_t len = 0;
	int result;

	if (tree_diff(&changes, repository, &verdict->live, mine) < 0)
		return -1;
	updates = xcalloc(changes.len, sizeof(*updates));
	for (size_t i = 0; i < changes.len; i++) {
		result = set_right(&updates[len], verdict, &changes.list[i]);
		if (result < 0)
			return -1;
		len += (size_t)result;
	}
	if (!len)
		return 0;
	if (git_tree_lookup(&tree, repository, mine) < 0 ||
		git_tree_create_updated(ret, repository, tree, len, updates) < 0)
		return git_failed("cannot set the configuration right");
	return 1;
}
