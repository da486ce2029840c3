#include "guard/three_way.h"

#include <sys/stat.h>

#include "base/memory.h"
#include "base/text.h"
#include "changes/lock_file.h"

/* Longer lines say no more. */
#define LINE_SHOWN 80
/* Larger files are compared as a whole. */
#define TEXT_MAX ((git_object_size_t)4 << 20)

/* The three versions of one path, read. */
struct texts {
	git_blob *base, *live, *mine; /* NULL: not there */
};

static void texts_free(struct texts *texts)
{
	git_blob_free(texts->base);
	git_blob_free(texts->live);
	git_blob_free(texts->mine);
}

bool version_equals(const struct version *a, const struct version *b)
{
	if (!a->mode || !b->mode)
		return a->mode == b->mode;
	return a->mode == b->mode && git_oid_equal(&a->id, &b->id);
}

static bool is_file(const struct version *version)
{
	return S_ISREG(version->mode);
}

static int read_blob(
	git_blob **ret, const struct three_way *three_way, const struct version *version)
{
	*ret = NULL;
	if (!is_file(version))
		return 0;
	if (git_blob_lookup(ret, three_way->repository, &version->id) < 0)
		return git_failed("cannot compare with what is live");
	return 0;
}

static int read_texts(struct texts *ret, const struct three_way *three_way,
	const struct version *base, const struct version *live,
	const struct version *mine)
{
	*ret = (struct texts){0};
	if (read_blob(&ret->base, three_way, base) < 0 ||
		read_blob(&ret->live, three_way, live) < 0 ||
		read_blob(&ret->mine, three_way, mine) < 0)
		return -1;
	return 0;
}

static bool is_text(git_blob *blob)
{
	return !blob || (git_blob_rawsize(blob) <= TEXT_MAX && !git_blob_is_binary(blob));
}

static git_merge_file_input input_of(git_blob *blob)
{
	git_merge_file_input input = GIT_MERGE_FILE_INPUT_INIT;

	input.ptr = blob ? git_blob_rawcontent(blob) : "";
	input.size = blob ? (size_t)git_blob_rawsize(blob) : 0;
	return input;
}

/* Merges live into mine; the result is the caller's to free. */
static int merge(git_merge_file_result *ret, const struct texts *texts)
{
	const git_merge_file_input base = input_of(texts->base);
	const git_merge_file_input live = input_of(texts->live);
	const git_merge_file_input mine = input_of(texts->mine);

	if (git_merge_file(ret, &base, &mine, &live, NULL) < 0)
		return git_failed("cannot compare with what is live");
	return 0;
}

static bool is_mine(const git_merge_file_result *result, git_blob *mine)
{
	return result->automergeable && result->len == (size_t)git_blob_rawsize(mine) &&
	       memcmp(result->ptr, git_blob_rawcontent(mine), result->len) == 0;
}

/* Notes the lines of a diff from mine to what it should contain. */
static int note_line(const git_diff_delta *delta, const git_diff_hunk *hunk,
	const git_diff_line *line, void *data)
{
	struct loss *loss = data;
	size_t len = line->content_len;

	(void)delta;
	(void)hunk;
	if (line->origin == GIT_DIFF_LINE_DELETION)
		loss->removed++;
	if (line->origin != GIT_DIFF_LINE_ADDITION)
		return 0;
	while (len && (line->content[len - 1] == '\n' || line->content[len - 1] == '\r'))
		len--;
	if (!loss->added++) {
		loss->line = (uint64_t)line->new_lineno;
		loss->text =
			text_clean(line->content, len < LINE_SHOWN ? len : LINE_SHOWN);
	}
	return 0;
}

static int note_lines(
	struct loss *loss, git_blob *mine, const char *should, size_t should_len)
{
	git_diff_options options = GIT_DIFF_OPTIONS_INIT;

	options.context_lines = 0;
	if (git_diff_blob_to_buffer(mine, NULL, should, should_len, NULL, &options, NULL,
		    NULL, NULL, note_line, loss) < 0)
		return git_failed("cannot compare with what is live");
	return 0;
}

/* The lines of a text, sorted, so that one can be counted. */
struct lines {
	struct line {
		const char *text;
		size_t len;
	} * list;
	size_t len;
};

static int compare_lines(const void *a, const void *b)
{
	const struct line *one = a, *other = b;
	const size_t len = one->len < other->len ? one->len : other->len;
	const int order = len ? memcmp(one->text, other->text, len) : 0;

	return order ? order : (one->len > other->len) - (one->len < other->len);
}

static void lines_of(struct lines *ret, git_blob *blob)
{
	const char *at = blob ? git_blob_rawcontent(blob) : "";
	const char *end = at + (blob ? (size_t)git_blob_rawsize(blob) : 0);

	*ret = (struct lines){0};
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		ret->list = xgrow(ret->list, ret->len, sizeof(*ret->list));
		ret->list[ret->len++] =
			(struct line){at, (size_t)((newline ? newline : end) - at)};
		at += ret->list[ret->len - 1].len + 1;
	}
	if (ret->len)
		qsort(ret->list, ret->len, sizeof(*ret->list), compare_lines);
}

/* How many lines sort before, or before and with, this one. */
static size_t rank(const struct lines *lines, const struct line *line, bool with)
{
	size_t low = 0, high = lines->len;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const int order = compare_lines(&lines->list[middle], line);

		if (order < 0 || (with && order == 0))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static size_t count_line(const struct lines *lines, const struct line *line)
{
	return rank(lines, line, true) - rank(lines, line, false);
}

struct added_lines {
	struct lines live, mine;
	struct loss *loss;
};

/* Of the lines that live has added to base, those that mine has not as often. */
static int note_missing_line(const git_diff_delta *delta, const git_diff_hunk *hunk,
	const git_diff_line *line, void *data)
{
	struct added_lines *added = data;
	struct line text = {line->content, line->content_len};

	while (text.len && text.text[text.len - 1] == '\n')
		text.len--;
	if (line->origin != GIT_DIFF_LINE_ADDITION ||
		count_line(&added->mine, &text) >= count_line(&added->live, &text))
		return 0;
	return note_line(delta, hunk, line, added->loss);
}

/* Both changed the same lines. */
static int compare_conflict(
	struct loss *loss, const struct three_way *three_way, const struct texts *texts)
{
	struct added_lines added = {.loss = loss};
	git_diff_options options = GIT_DIFF_OPTIONS_INIT;
	int result;

	lines_of(&added.live, texts->live);
	lines_of(&added.mine, texts->mine);
	options.context_lines = 0;
	result = git_diff_blobs(texts->base, NULL, texts->live, NULL, &options, NULL,
		NULL, NULL, note_missing_line, &added);
	free(added.live.list);
	free(added.mine.list);
	if (result < 0)
		return git_failed("cannot compare with what is live");
	loss->kind =
		loss->added && three_way->from_elsewhere ? LOSS_LINES : LOSS_CONFLICT;
	return 0;
}

static int compare_texts(struct loss *loss, bool *lost, const struct three_way *three_way,
	const struct texts *texts)
{
	git_merge_file_result result = {0};
	int status = merge(&result, texts);

	if (status < 0)
		return -1;
	*lost = !is_mine(&result, texts->mine);
	if (*lost && result.automergeable) {
		loss->kind = LOSS_LINES;
		status = note_lines(loss, texts->mine, result.ptr, result.len);
	} else if (*lost) {
		status = compare_conflict(loss, three_way, texts);
	}
	git_merge_file_result_free(&result);
	return status;
}

/*
 * Input by input: what live has changed may only be newer in mine. Sets the loss' text to
 * those that are older, NULL where none is.
 */
static void compare_lock_files(struct loss *loss, const struct texts *texts)
{
	_cleanup_lock_file_ struct lock_file base = {0}, live = {0}, mine = {0};

	lock_file_parse(&base, texts->base);
	lock_file_parse(&live, texts->live);
	lock_file_parse(&mine, texts->mine);
	for (size_t i = 0; i < live.len; i++) {
		const struct lock_input *its = &live.inputs[i];
		const struct lock_input *before = lock_file_find(&base, its->name);
		const struct lock_input *here = lock_file_find(&mine, its->name);
		_cleanup_free_ char *words = NULL;
		bool older;

		if (lock_input_equals(its, before) || lock_input_equals(its, here))
			continue;
		older = lock_input_equals(here, before) ||
			(here && here->modified && its->modified &&
				here->modified < its->modified);
		if (!older)
			continue;
		words = lock_input_describe(its, here);
		set_string(&loss->text, loss->text
						? xasprintf("%s; %s", loss->text, words)
						: xstrdup(words));
	}
	loss->kind = LOSS_INPUT;
}

/* Not all are regular text: content, link, mode or presence differ as a whole. */
static void compare_whole(struct loss *loss, const struct three_way *three_way,
	const struct version *base, const struct version *live,
	const struct version *mine)
{
	if (!mine->mode && version_equals(mine, base))
		loss->kind = LOSS_FILE; /* live has added it */
	else if (!live->mode && version_equals(mine, base))
		loss->kind = LOSS_RETURNED;
	else if (version_equals(mine, base))
		loss->kind = LOSS_OTHER;
	else if (!mine->mode)
		loss->kind = three_way->from_elsewhere ? LOSS_FILE : LOSS_CONFLICT;
	else
		loss->kind = three_way->from_elsewhere && live->mode ? LOSS_OTHER
								     : LOSS_CONFLICT;
}

static int compare(struct loss *loss, bool *lost, const struct three_way *three_way,
	const char *path, const struct version *base, const struct version *live,
	const struct version *mine)
{
	_cleanup_(texts_free) struct texts texts = {0};

	*lost = !version_equals(live, mine) && !version_equals(live, base);
	if (!*lost)
		return 0;
	if (read_texts(&texts, three_way, base, live, mine) < 0)
		return -1;
	if (is_lock_file(path) && texts.live && texts.mine) {
		compare_lock_files(loss, &texts);
		*lost = loss->text != NULL;
		return 0;
	}
	if (texts.live && texts.mine && is_text(texts.base) && is_text(texts.live) &&
		is_text(texts.mine) && !git_oid_equal(&live->id, &mine->id)) {
		if (compare_texts(loss, lost, three_way, &texts) < 0)
			return -1;
		/* Content that is merged may still have the old mode. */
		if (!*lost && live->mode != base->mode && mine->mode == base->mode) {
			loss->kind = LOSS_OTHER;
			*lost = true;
		}
		return 0;
	}
	compare_whole(loss, three_way, base, live, mine);
	if (texts.live && !texts.mine && is_text(texts.live))
		return note_lines(loss, NULL, git_blob_rawcontent(texts.live),
			(size_t)git_blob_rawsize(texts.live));
	return 0;
}

int three_way_compare(struct loss *ret, const struct three_way *three_way,
	const char *path, const struct version *base, const struct version *live,
	const struct version *mine)
{
	bool lost;
	int result;

	*ret = (struct loss){0};
	result = compare(ret, &lost, three_way, path, base, live, mine);
	if (result < 0 || !lost) {
		loss_free(ret);
		*ret = (struct loss){0};
		return result < 0 ? -1 : 1;
	}
	ret->path = xstrdup(path);
	if (base->mode)
		ret->base = base->id;
	if (live->mode)
		ret->live = live->id;
	return 0;
}
