#include "guard/merge.h"

#include <ctype.h>

#include "base/memory.h"
#include "base/text.h"
#include "guard/lines.h"
#include "guard/sound.h"

/* A line of the difference from mine (old) to live (new). */
struct diff_line {
	unsigned hunk;   /* counted from 1 */
	bool is_lost;    /* live has it */
	unsigned line;   /* its number in its file */
	unsigned before; /* if lost: it goes before this line of mine */
	const char *text;
	size_t len;
	uint64_t hash;
	bool is_found; /* there are findings about it, or about a statement in it */
	bool is_refused, has_own;
	bool is_ordered; /* it stands in a text in which the order of lines counts */
	size_t pair;     /* the other side's line of the same name; NO_PAIR */
};

#define NO_PAIR SIZE_MAX
/* A person must merge a file with more than these. */
#define DIFF_LINES_MAX 4000

/* The merge of one file: mine, with what is refused set right. */
struct merge {
	const struct verdict *verdict;
	const char *path;
	struct diff_line *list;
	size_t len;
	unsigned hunks;
	bool *ordered[2]; /* is_ordered by number of line, of mine and of live */
	struct strbuf out;
	const char *at, *end; /* what of mine is not merged yet */
	unsigned line;        /* the next line of mine */
	bool conflict;        /* the caller's own lines and refused ones are mixed */
};

/* Whether a lost line is needed that is only warned of, because it has copies: if it is a
 * name alone, refused lines may use it, as a module's lines use its argument "pkgs". */
static bool is_needed(const struct verdict *verdict, const struct finding *finding)
{
	if (finding->verdict != VERDICT_WARNING || !finding->is_lost || finding->other)
		return false;
	for (const char *at = finding->text; *at; at++)
		if (!isalnum((unsigned char)*at) && !strchr(" _-", *at))
			return false;
	for (size_t i = 0; i < verdict->len; i++)
		if (verdict->list[i].verdict == VERDICT_REFUSED &&
			verdict->list[i].build == finding->build &&
			streq(verdict->list[i].path, finding->path))
			return true;
	return false;
}

/* Applies the findings about this line. */
static void find_line(
	struct diff_line *line, const struct verdict *verdict, const char *path)
{
	for (size_t i = 0; i < verdict->len; i++) {
		const struct finding *finding = &verdict->list[i];

		if (finding->kind != ITEM_LINE || finding->is_lost != line->is_lost ||
			finding->line != line->line || !streq(finding->path, path))
			continue;
		line->is_found = true;
		if (finding->verdict == VERDICT_REFUSED || is_needed(verdict, finding))
			line->is_refused = true;
		else
			line->has_own = !line->is_lost;
	}
}

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
	ret = list_add(merge->list, merge->len);
	*ret = (struct diff_line){
		.hunk = merge->hunks,
		.pair = NO_PAIR,
		.is_lost = line->origin == GIT_DIFF_LINE_ADDITION,
		.line = (unsigned)(line->origin == GIT_DIFF_LINE_ADDITION
					   ? line->new_lineno
					   : line->old_lineno),
		/* After the hunk's lines of mine; if there are none, after old_start. */
		.before = (unsigned)(hunk->old_start + hunk->old_lines) +
			  (hunk->old_lines == 0),
		.text = line->content,
		.len = line->content_len,
		.hash = line_hash(line->content, line->content_len),
	};
	ret->is_ordered = merge->ordered[ret->is_lost][ret->line];
	find_line(ret, merge->verdict, merge->path);
	return 0;
}

/* Whether a line without findings goes with its hunk: it says nothing by itself, or it is
 * lost and mine has it nowhere. A lost one comes back if any line of its side is refused;
 * a returned one goes only if all are that say something. */
static bool goes_along(const struct merge *merge, const struct diff_line *line,
	const struct counts *mine)
{
	bool any = false, all = true;

	if (line->is_found || (line->hash && !line_is_bare(line->text, line->len) &&
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

static void skip_line(struct merge *merge)
{
	const char *newline = memchr(merge->at, '\n', (size_t)(merge->end - merge->at));

	merge->at = newline ? newline + 1 : merge->end;
	merge->line++;
}

static void copy_lines(struct merge *merge, unsigned before)
{
	const char *from = merge->at;

	while (merge->at < merge->end && merge->line < before)
		skip_line(merge);
	strbuf_add(&merge->out, from, (size_t)(merge->at - from));
}

/* Strips blanks, and what ends an element. */
static size_t strip(const char **text, size_t len)
{
	while (len && strchr(" \t", **text)) {
		++*text;
		len--;
	}
	while (len && strchr(" \t\r\n,;", (*text)[len - 1]))
		len--;
	return len;
}

/* "{ pkgs, ... }:", which a file has once. */
static bool is_head(const struct diff_line *line)
{
	const char *text = line->text;
	const size_t len = strip(&text, line->len);

	return len && text[len - 1] == ':';
}

/* Pairs lines of a hunk that give a name different values, and the heads of modules. */
static void pair_lines(struct merge *merge)
{
	for (size_t i = 0; i < merge->len; i++) {
		struct diff_line *mine = &merge->list[i];
		const uint64_t key = line_key(mine->text, mine->len);

		for (size_t j = 0; !mine->is_lost && j < merge->len; j++) {
			struct diff_line *live = &merge->list[j];

			if (!live->is_lost || live->hunk != mine->hunk ||
				live->pair != NO_PAIR || mine->pair != NO_PAIR ||
				(key ? line_key(live->text, live->len) != key
				     : !is_head(mine) || !is_head(live)))
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
	/* Live's last line may lack a newline, but more of mine follows. */
	if (line->text[line->len - 1] != '\n' && merge->at < merge->end)
		strbuf_putc(&merge->out, '\n');
}

/* Whether live's line has all that the caller's says, as a longer list on one line has.
 */
static bool is_part_of(
	const struct diff_line *mine, const struct diff_line *live, const char *path)
{
	_cleanup_lines_ struct lines part = {0}, whole = {0};
	_cleanup_counts_ struct counts counts = {0};

	lines_split_text(&part, path, mine->text, mine->len);
	lines_split_text(&whole, path, live->text, live->len);
	counts_add_lines(&counts, &whole, 1);
	for (size_t i = 0; i < part.len; i++)
		if (!counts_get(&counts, part.list[i].hash))
			return false;
	return part.len > 0;
}

/* Replaces mine by its partner in live if either is refused. */
static void put_pair(
	struct merge *merge, const struct diff_line *mine, const struct counts *counts)
{
	const struct diff_line *live = &merge->list[mine->pair];

	if (!mine->is_refused && !live->is_refused)
		return;
	/* An old value must not replace the caller's own new one. A head without findings
	 * has nothing that live's head lacks. */
	if (mine->has_own || (!mine->is_refused && !goes_along(merge, mine, counts) &&
				     (mine->is_found || !is_head(mine)) &&
				     !is_part_of(mine, live, merge->path)))
		merge->conflict = true;
	copy_lines(merge, mine->line);
	skip_line(merge);
	put_lost(merge, live);
}

/* Whether two lines without names are versions of one: only their ends differ (a comma),
 * or both are heads. */
static bool is_edited(const struct diff_line *live, const struct diff_line *mine)
{
	const char *a = live->text, *b = mine->text;
	const size_t a_len = strip(&a, live->len), b_len = strip(&b, mine->len);

	return (a_len && a_len == b_len && strncmp(a, b, a_len) == 0) ||
	       (is_head(live) && is_head(mine));
}

/* A conflict, if both versions of a line would end up in the text. */
static void look_for_edited(struct merge *merge)
{
	for (size_t i = 0; i < merge->len; i++)
		for (size_t j = 0; merge->list[i].is_lost && j < merge->len; j++) {
			const struct diff_line *live = &merge->list[i];
			const struct diff_line *mine = &merge->list[j];

			merge->conflict |= live->is_refused && !mine->is_lost &&
					   !mine->is_refused &&
					   mine->hunk == live->hunk &&
					   live->pair == NO_PAIR && is_edited(live, mine);
		}
}

/* A conflict, if a line would come back next to the caller's own in a text whose order
 * counts: where, only a person can know. */
static void look_for_order(struct merge *merge)
{
	for (size_t i = 0; i < merge->len; i++)
		for (size_t j = 0; merge->list[i].is_ordered && j < merge->len; j++) {
			const struct diff_line *live = &merge->list[i];
			const struct diff_line *mine = &merge->list[j];

			merge->conflict |= live->is_lost && live->is_refused &&
					   !mine->is_lost && !mine->is_refused &&
					   mine->hunk == live->hunk && mine->hash;
		}
}

static void put_merged(struct merge *merge, const struct counts *mine)
{
	pair_lines(merge);
	look_for_edited(merge);
	look_for_order(merge);
	for (size_t i = 0; i < merge->len; i++) {
		const struct diff_line *line = &merge->list[i];

		if (line->pair != NO_PAIR) {
			if (!line->is_lost)
				put_pair(merge, line, mine);
			continue;
		}
		if (!line->is_refused && !goes_along(merge, line, mine))
			continue;
		merge->conflict |= line->has_own;
		copy_lines(merge, line->is_lost ? line->before : line->line);
		if (line->is_lost)
			put_lost(merge, line);
		else
			skip_line(merge);
	}
	copy_lines(merge, UINT32_MAX);
}

/* If both files have one line, there are no parts that could be merged. */
static bool is_one_line(const git_blob *blob)
{
	return text_is_one_line(
		git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob));
}

int merge_texts(git_oid *ret, const struct verdict *verdict, const char *path,
	const git_blob *mine, const git_blob *live, bool has_own)
{
	git_diff_options options = GIT_DIFF_OPTIONS_INIT;
	git_repository *repository = verdict->hand->call->ledger->repository;
	_cleanup_lines_ struct lines lines = {0};
	_cleanup_counts_ struct counts counts = {0};
	struct merge merge = {.verdict = verdict,
		.path = path,
		.out = STRBUF_INIT,
		.at = git_blob_rawcontent(mine),
		.end = (const char *)git_blob_rawcontent(mine) + git_blob_rawsize(mine),
		.line = 1};
	int result, sound = 0;

	if (is_one_line(mine) && is_one_line(live)) {
		*ret = *git_blob_id(live);
		return !has_own;
	}
	merge.ordered[false] = text_find_ordered(path, mine);
	merge.ordered[true] = text_find_ordered(path, live);
	options.context_lines = 0;
	options.flags = GIT_DIFF_IGNORE_WHITESPACE;
	result = git_diff_blobs(mine, NULL, live, NULL, &options, NULL, NULL, begin_hunk,
		take_line, &merge);
	lines_split(&lines, NULL, mine);
	counts_add_lines(&counts, &lines, 1);
	if (result == 0 && !merge.conflict) {
		put_merged(&merge, &counts);
		sound = !merge.conflict &&
			text_is_sound(mine, live, merge.out.text, merge.out.len);
	}
	if (sound)
		result = git_blob_create_from_buffer(
			ret, repository, merge.out.text, merge.out.len);
	strbuf_free(&merge.out);
	free(merge.ordered[false]);
	free(merge.ordered[true]);
	free(merge.list);
	return result < 0 ? git_failed("cannot merge '%s'", path) : sound;
}
