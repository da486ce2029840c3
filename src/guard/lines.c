#include "guard/lines.h"

#include <ctype.h>

#include "base/memory.h"
#include "base/text.h"
#include "guard/statements.h"

/* To mix what a line stands in into its hash: two, because a bare line may need both. */
#define IDENTITY_FACTOR 0xc2b2ae3d27d4eb4f
/* Encloses what stands in a module's outermost block; no line has this hash. */
#define HEAD 2
#define SITE_FACTOR 0x9e3779b97f4a7c15

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

bool text_is_one_line(const char *text, size_t len)
{
	const char *newline = len ? memchr(text, '\n', len) : NULL;

	return !newline || newline + 1 == text + len;
}

uint64_t line_hash(const char *text, size_t len)
{
	bool says;
	const uint64_t hash = hash_without_blanks(text, len, &says);

	return says ? hash : 0;
}

/* The end of a directive's name: all but the last word of "worker_processes 4;". */
static const char *end_of_directive(const char *text, size_t len)
{
	static const char *const others[] = {"inherit", "import", "with", "return", NULL};
	_cleanup_free_ char *line = xstrndup(text, len), *first = NULL;
	size_t end = strlen(line), start = strspn(line, " \t");

	while (end > start && isspace((unsigned char)line[end - 1]))
		end--;
	if (end == start || line[end - 1] != ';' || !isalpha((unsigned char)line[start]))
		return NULL;
	first = xstrndup(line + start, strcspn(line + start, " \t;"));
	if (text_is_among(first, others))
		return NULL;
	while (end > start && !isspace((unsigned char)line[end - 1]))
		end--;
	while (end > start && isspace((unsigned char)line[end - 1]))
		end--;
	return end > start ? text + end : NULL;
}

/* The end of the name that the line sets; NULL: none. */
static const char *end_of_name(const char *text, size_t len)
{
	const char *equals = memchr(text, '=', len);
	const char *colon = memmem(text, len, ": ", 2);

	/* YAML and JSON; the head of a Nix function ("{ pkgs, ... }: ...") is no name. */
	if (!equals && colon && !memchr(text, '{', (size_t)(colon - text)))
		return colon;
	return equals ? equals : end_of_directive(text, len);
}

uint64_t line_key(const char *text, size_t len)
{
	const char *end = end_of_name(text, len);
	bool says;

	return end ? hash_without_blanks(text, (size_t)(end - text), &says) : 0;
}

bool line_is_bare(const char *text, size_t len)
{
	static const char *const literals[] = {"true;", "false;", "null;", NULL};
	char name[64], value[16];
	int end = 0;
	char copy[128];

	if (len >= sizeof(copy))
		return false;
	snprintf(copy, sizeof(copy), "%.*s", (int)len, text);
	if (sscanf(copy, " %63[A-Za-z0-9_'-] = %15s %n", name, value, &end) != 2 ||
		copy[end])
		return false;
	return text_is_among(value, literals) ||
	       value[strspn(value, "0123456789")] == ';';
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
			*list_add(open->list, open->len) = name;
		} else if (open->len && (at == '}' || at == ']' || at == ')')) {
			open->len--;
		}
	}
}

/* The last character of the line that is no blank; NUL: there is none. */
static char last_of(const struct line *line)
{
	size_t len = line->len;

	while (len && isspace((unsigned char)line->text[len - 1]))
		len--;
	return (char)(len ? line->text[len - 1] : '\0');
}

static size_t indent_of(const struct line *line)
{
	size_t indent = 0;

	while (indent < line->len && strchr(" \t", line->text[indent]))
		indent++;
	return indent;
}

/* "[web]", of TOML and of systemd's units. */
static bool is_section(const struct line *line)
{
	return line->len && *line->text == '[' && last_of(line) == ']';
}

/* The lines that the current one stands in, each with its indentation. */
struct outline {
	struct level {
		size_t indent;
		uint64_t hash;
	} * list;
	size_t len;
};

/* What the line stands in, by indentation (as in YAML) and sections. */
static uint64_t enter_line(struct outline *outline, const struct line *line)
{
	const size_t indent = is_section(line) ? 0 : indent_of(line) + 1;
	const uint64_t hash = line_hash(line->text, line->len);
	uint64_t ret;

	if (!hash)
		return 0;
	while (outline->len && outline->list[outline->len - 1].indent >= indent)
		outline->len--;
	ret = outline->len ? outline->list[outline->len - 1].hash : 0;
	*list_add(outline->list, outline->len) = (struct level){indent, hash};
	return ret;
}

/* "{ pkgs, ... }:". It gets a fixed hash: if a module's arguments change, its lines still
 * stand in the same block. */
static bool is_head(const struct line *line)
{
	return last_of(line) == ':' && !line_key(line->text, line->len);
}

/* Whether brackets tell what a line stands in (Nix, JSON), or indentation (YAML). */
static bool has_blocks(const char *at, const char *end)
{
	struct line line;

	while (text_next_line(&at, end, &line.text, &line.len))
		if (last_of(&line) == ';' || last_of(&line) == '{')
			return true;
	return false;
}

uint64_t *lines_find_enclosing(const char *text, size_t len)
{
	const char *at = text, *end = text + len;
	const bool by_brackets = has_blocks(at, end);
	struct brackets open = {0};
	struct outline outline = {0};
	uint64_t *ret = NULL, last = 0;
	struct line line;
	size_t lines = 0;

	*list_add(ret, lines) = 0;
	while (text_next_line(&at, end, &line.text, &line.len)) {
		const uint64_t hash = line_hash(line.text, line.len);

		ret = xgrow(ret, lines, sizeof(*ret));
		if (!by_brackets) {
			ret[lines++] = enter_line(&outline, &line);
			continue;
		}
		ret[lines++] = open.len ? open.list[open.len - 1] : 0;
		/* A bracket alone on a line belongs to the line before. */
		if (is_head(&line))
			last = HEAD;
		else if (hash)
			last = hash;
		read_brackets(&open, &line, last);
	}
	free(open.list);
	free(outline.list);
	return ret;
}

uint64_t line_site(uint64_t hash, uint64_t enclosing)
{
	return hash ^ enclosing * SITE_FACTOR;
}

uint64_t line_identity(const char *text, size_t len, uint64_t enclosing)
{
	const uint64_t hash = line_hash(text, len);

	return hash && enclosing && line_is_bare(text, len)
		       ? hash ^ (enclosing * IDENTITY_FACTOR | 1)
		       : hash;
}

void lines_split(struct lines *ret, const char *path, const git_blob *blob)
{
	lines_split_text(ret, path, blob ? git_blob_rawcontent(blob) : "",
		blob ? (size_t)git_blob_rawsize(blob) : 0);
}

void lines_split_text(
	struct lines *ret, const char *path, const char *text, size_t text_len)
{
	_cleanup_statements_ struct statements statements;
	_cleanup_free_ uint64_t *enclosing = NULL;
	const char *at, *end;
	struct line line = {.number = 0};

	statements_split(&statements, path, text, text_len);
	at = statements.text;
	end = at + statements.len;
	enclosing = lines_find_enclosing(at, statements.len);
	*ret = (struct lines){.own = TAKE_PTR(statements.own)};
	for (size_t i = 1; text_next_line(&at, end, &line.text, &line.len); i++) {
		line.number = statements_number(&statements, i);
		line.hash = line_identity(line.text, line.len, enclosing[i]);
		if (!line.hash)
			continue;
		line.site = line_needs_enclosing(line.text, line.len)
				    ? line_site(line.hash, enclosing[i])
				    : line.hash;
		*list_add(ret->list, ret->len) = line;
	}
}

void lines_free(struct lines *lines)
{
	free(lines->list);
	free(lines->own);
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
