#include "guard/hunks.h"

#include "base/memory.h"
#include "guard/statements.h"

/* Stands for a name; no name has such a small hash. */
#define KEY_OF_FILE 1
/* At most this many bytes of a line are kept. */
#define LINE_KEPT 200

/* One of the two texts that are compared, split into statements. */
struct side {
	struct statements text;
	struct counts counts; /* how often a line stands in it */
	uint64_t *enclosing;  /* see lines_find_enclosing() */
	struct counts blocks; /* how many lines stand in a line */
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

/* Whether the line does nothing else: "x = {", "x = with pkgs;" (and a bracket). */
static bool opens_a_block(const char *text, size_t len)
{
	return len && (strchr("[{(", text[len - 1]) ||
			      (text[len - 1] == ';' && memmem(text, len, "= with ", 7)));
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
	item.block = item.enclosing;
	if (opens_a_block(line->content, len))
		item.opens = line_hash(line->content, len);
	if (!counts_get(&side->blocks, item.opens))
		item.opens = 0;
	if (!line_needs_enclosing(line->content, len))
		item.enclosing = 0;
	item.key = line_key(line->content, len);
	item.whole_file = hunk->whole_file;
	item.text = xstrndup(line->content, len < LINE_KEPT ? len : LINE_KEPT);
	items_add(hunk->items, &item);
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
	for (size_t i = 0; i < lines.len; i++)
		if (side->enclosing[lines.list[i].number])
			*counts_at(&side->blocks,
				side->enclosing[lines.list[i].number]) += 1;
}

static void side_free(struct side *side)
{
	statements_free(&side->text);
	counts_free(&side->counts);
	counts_free(&side->blocks);
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

int hunks_add_lines(
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
