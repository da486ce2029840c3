#include "guard/sound.h"

#include "base/memory.h"
#include "base/text.h"
#include "guard/lines.h"

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

bool *text_find_ordered(const char *path, const git_blob *blob)
{
	static const char *const unordered[] = {
		".json", ".yaml", ".yml", ".toml", ".lock", ".ini", ".conf", ".md"};
	const char *at = git_blob_rawcontent(blob), *end = at + git_blob_rawsize(blob);
	const bool is_nix = ends_with(path, ".nix");
	bool *ret = NULL, in_text = !is_nix, after;
	const char *line;
	size_t len, lines = 0;

	for (size_t i = 0; i < ARRAY_LEN(unordered); i++)
		in_text = in_text && !ends_with(path, unordered[i]);
	*list_add(ret, lines) = false;
	while (text_next_line(&at, end, &line, &len)) {
		after = is_nix && balance_of(line, len).in_string ? !in_text : in_text;
		ret = xgrow(ret, lines, sizeof(*ret));
		ret[lines++] = in_text && after;
		in_text = after;
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

/* Whether no name occurs more often, or less often, than in both sources. */
static bool names_agree(
	const git_blob *mine, const git_blob *live, const char *text, size_t len)
{
	_cleanup_counts_ struct counts here = {0}, there = {0}, merged = {0};

	count_names(&here, git_blob_rawcontent(mine), (size_t)git_blob_rawsize(mine));
	count_names(&there, git_blob_rawcontent(live), (size_t)git_blob_rawsize(live));
	count_names(&merged, text, len);
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

static void count_sites(struct counts *ret, const char *text, size_t len)
{
	_cleanup_free_ uint64_t *enclosing = lines_find_enclosing(text, len);
	const char *end = text + len, *line;
	size_t number = 0;

	while (text_next_line(&text, end, &line, &len)) {
		const uint64_t hash = line_hash(line, len);

		number++;
		if (hash)
			*counts_at(ret, line_site(hash, enclosing[number])) += 1;
	}
}

/* Whether each line stands in a block in which mine or live has it. */
static bool blocks_agree(
	const git_blob *mine, const git_blob *live, const char *text, size_t len)
{
	_cleanup_counts_ struct counts known = {0}, merged = {0};

	count_sites(&known, git_blob_rawcontent(mine), (size_t)git_blob_rawsize(mine));
	count_sites(&known, git_blob_rawcontent(live), (size_t)git_blob_rawsize(live));
	count_sites(&merged, text, len);
	for (size_t i = 0; i < merged.room; i++)
		if (merged.slots[i].hash && !counts_get(&known, merged.slots[i].hash))
			return false;
	return true;
}

bool text_is_sound(
	const git_blob *mine, const git_blob *live, const char *text, size_t len)
{
	const struct balance before =
		balance_of(git_blob_rawcontent(mine), (size_t)git_blob_rawsize(mine));
	const struct balance after = balance_of(text, len);

	return before.in_string == after.in_string &&
	       memcmp(before.open, after.open, sizeof(before.open)) == 0 &&
	       names_agree(mine, live, text, len) && blocks_agree(mine, live, text, len);
}
