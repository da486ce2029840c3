#include "guard/lines.h"

#include <ctype.h>

#include "base/memory.h"

static uint64_t hash_without_blanks(const char *text, size_t len, bool *ret_says)
{
	uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */

	*ret_says = false;
	for (size_t i = 0; i < len; i++) {
		const unsigned char character = (unsigned char)text[i];

		if (isspace(character))
			continue;
		*ret_says = *ret_says || isalnum(character) || character >= 0x80;
		hash = (hash ^ character) * 0x100000001b3;
	}
	return hash;
}

uint64_t line_hash(const char *text, size_t len)
{
	bool says;
	const uint64_t hash = hash_without_blanks(text, len, &says);

	return says ? hash : 0;
}

/* Where the name of what the line sets ends; NULL: it has none. */
static const char *end_of_name(const char *text, size_t len)
{
	const char *equals = memchr(text, '=', len);
	const char *colon = memmem(text, len, ": ", 2);

	/* YAML and JSON; a Nix function ("{ pkgs, ... }: ...") is no name. */
	if (!equals && colon && !memchr(text, '{', (size_t)(colon - text)))
		return colon;
	return equals;
}

uint64_t line_key(const char *text, size_t len)
{
	const char *end = end_of_name(text, len);
	bool says;

	return end ? hash_without_blanks(text, (size_t)(end - text), &says) : 0;
}

bool line_is_bare(const char *text, size_t len)
{
	static const char *const literals[] = {"true;", "false;", "null;"};
	char name[64], value[16];
	int end = 0;
	char copy[128];

	if (len >= sizeof(copy))
		return false;
	snprintf(copy, sizeof(copy), "%.*s", (int)len, text);
	if (sscanf(copy, " %63[A-Za-z0-9_'-] = %15s %n", name, value, &end) != 2 ||
		copy[end])
		return false;
	for (size_t i = 0; i < ARRAY_LEN(literals); i++)
		if (streq(value, literals[i]))
			return true;
	return value[strspn(value, "0123456789")] == ';';
}

bool line_needs_enclosing(const char *text, size_t len)
{
	const char *end = end_of_name(text, len);

	return !end || !memchr(text, '.', (size_t)(end - text));
}

/* The brackets that are open, each as the hash of the line that opened it. */
struct brackets {
	uint64_t *list;
	size_t len;
};

static void read_brackets(struct brackets *open, const struct line *line, uint64_t name)
{
	for (size_t i = 0; i < line->len; i++) {
		const char at = line->text[i];

		if (at == '{' || at == '[' || at == '(') {
			open->list = xgrow(open->list, open->len, sizeof(*open->list));
			open->list[open->len++] = name;
		} else if (open->len && (at == '}' || at == ']' || at == ')')) {
			open->len--;
		}
	}
}

uint64_t *lines_find_enclosing(const git_blob *blob)
{
	const char *at = git_blob_rawcontent(blob);
	const char *end = at + (size_t)git_blob_rawsize(blob);
	struct brackets open = {0};
	uint64_t *ret = NULL, last = 0;
	size_t len = 0;

	ret = xgrow(ret, len, sizeof(*ret));
	ret[len++] = 0;
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const struct line line = {
			.text = at, .len = (size_t)((newline ? newline : end) - at)};
		const uint64_t hash = line_hash(line.text, line.len);

		ret = xgrow(ret, len, sizeof(*ret));
		ret[len++] = open.len ? open.list[open.len - 1] : 0;
		/* A bracket on a line of its own belongs to the one before. */
		last = hash ? hash : last;
		read_brackets(&open, &line, last);
		at = newline ? newline + 1 : end;
	}
	free(open.list);
	return ret;
}

void lines_split(struct lines *ret, const git_blob *blob)
{
	const char *at = blob ? git_blob_rawcontent(blob) : "";
	const char *end = at + (blob ? (size_t)git_blob_rawsize(blob) : 0);
	unsigned number = 0;

	*ret = (struct lines){0};
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		struct line line = {.text = at, .number = ++number};

		line.len = (size_t)((newline ? newline : end) - at);
		line.hash = line_hash(line.text, line.len);
		at = newline ? newline + 1 : end;
		if (!line.hash)
			continue;
		ret->list = xgrow(ret->list, ret->len, sizeof(*ret->list));
		ret->list[ret->len++] = line;
	}
}

void lines_free(struct lines *lines)
{
	free(lines->list);
	*lines = (struct lines){0};
}

/* Linear probing; the hash is already as good as random. */
static struct count *find(const struct counts *counts, uint64_t hash)
{
	size_t at = hash & (counts->room - 1);

	while (counts->slots[at].hash && counts->slots[at].hash != hash)
		at = (at + 1) & (counts->room - 1);
	return &counts->slots[at];
}

static void grow(struct counts *counts)
{
	struct counts larger = {.room = counts->room ? counts->room * 2 : 64};

	larger.slots = xcalloc(larger.room, sizeof(*larger.slots));
	larger.len = counts->len;
	for (size_t i = 0; i < counts->room; i++)
		if (counts->slots[i].hash)
			*find(&larger, counts->slots[i].hash) = counts->slots[i];
	free(counts->slots);
	*counts = larger;
}

int64_t *counts_at(struct counts *counts, uint64_t hash)
{
	struct count *count;

	if (counts->len * 2 >= counts->room)
		grow(counts);
	count = find(counts, hash);
	if (!count->hash) {
		count->hash = hash;
		counts->len++;
	}
	return &count->value;
}

int64_t counts_get(const struct counts *counts, uint64_t hash)
{
	return counts->room ? find(counts, hash)->value : 0;
}

void counts_add_lines(struct counts *counts, const struct lines *lines, int64_t value)
{
	for (size_t i = 0; i < lines->len; i++)
		*counts_at(counts, lines->list[i].hash) += value;
}

void counts_free(struct counts *counts)
{
	free(counts->slots);
	*counts = (struct counts){0};
}
