#include "guard/flat.h"

#include "base/memory.h"

/* Names with more parts, and sets beyond these, are not looked for. */
#define PARTS_MAX 16
#define SETS_MAX 64

/* A line with a name of several parts ("a.b.c = 1;"), and where each part begins. */
struct flat {
	const char *text;
	size_t parts[PARTS_MAX];
	size_t len;
};

/* A set or list that one side opens by a flat name, and the other by a part of it. */
struct opening {
	uint64_t flat, nested; /* the lines' hashes */
};

struct search {
	struct items *items;
	bool *marked;            /* by item */
	struct counts sites[2];  /* of each side: lost ones are [1] */
	struct counts found[2];  /* sites that the other side has in the other form */
	struct counts opened[2]; /* lines that open what the other side names */
	struct opening openings[SETS_MAX];
	size_t len;
};

/* false: it is no such line. */
static bool flat_parse(struct flat *ret, const char *text)
{
	bool quoted = false;

	*ret = (struct flat){.text = text, .parts = {strspn(text, " \t")}, .len = 1};
	for (size_t i = 0; text[i] && (quoted || text[i] != '='); i++) {
		quoted ^= text[i] == '"';
		if (quoted || text[i] != '.')
			continue;
		if (ret->len == PARTS_MAX)
			return false;
		ret->parts[ret->len++] = i + 1;
	}
	return ret->len > 1 && text[strcspn(text, "=")];
}

/* The item's site if it stood in a set that this line opens. */
static uint64_t site_in(const char *text, uint64_t opening)
{
	const size_t len = strlen(text);
	const uint64_t hash = line_identity(text, len, opening);

	return line_needs_enclosing(text, len) ? line_site(hash, opening) : hash;
}

/* The line "b.c = {" for the parts from first up to the one before end. */
static uint64_t opening_of(const struct flat *flat, size_t first, size_t end)
{
	const size_t from = flat->parts[first], to = flat->parts[end] - 1;
	_cleanup_free_ char *line =
		xasprintf("%.*s={", (int)(to - from), flat->text + from);

	return line_hash(line, strlen(line));
}

static void note_opening(struct search *search, const struct item *item, const char *rest)
{
	if (search->len < SETS_MAX)
		search->openings[search->len++] =
			(struct opening){item->hash, line_hash(rest, strlen(rest))};
}

/* Whether the other side has the line in a set: tries each set that the name may mean. */
static bool look_for_nested(
	struct search *search, const struct item *item, const struct flat *flat)
{
	bool ret = false;

	for (size_t end = 1; end < flat->len; end++)
		for (size_t first = 0; first < end; first++) {
			const char *rest = flat->text + flat->parts[end];
			const uint64_t opening = opening_of(flat, first, end);
			const uint64_t site = site_in(rest, opening);

			if (!opening)
				continue;
			*counts_at(&search->opened[!item->is_lost], opening) += 1;
			if (!counts_get(&search->sites[!item->is_lost], site))
				continue;
			*counts_at(&search->found[!item->is_lost], site) += 1;
			note_opening(search, item, rest);
			ret = true;
		}
	return ret;
}

/* Whether it stands in such a set, and the other side has it there, too. */
static bool stands_in_other(const struct search *search, const struct item *item)
{
	const struct counts *other = &search->sites[!item->is_lost];

	for (size_t i = 0; i < search->len; i++) {
		const struct opening *opening = &search->openings[i];
		const uint64_t there = item->enclosing == opening->flat ? opening->nested
				       : item->enclosing == opening->nested
					       ? opening->flat
					       : 0;

		if (there && counts_get(other, site_in(item->text, there)))
			return true;
	}
	return false;
}

static void note_sites(struct search *search)
{
	for (size_t i = 0; i < search->items->len; i++) {
		const struct item *item = &search->items->list[i];

		if (item->kind == ITEM_LINE && item->hash)
			*counts_at(&search->sites[item->is_lost], item_site(item)) += 1;
	}
}

static void mark_flat(struct search *search)
{
	struct flat flat;

	for (size_t i = 0; i < search->items->len; i++) {
		const struct item *item = &search->items->list[i];

		if (item->kind == ITEM_LINE && item->hash &&
			flat_parse(&flat, item->text))
			search->marked[i] = look_for_nested(search, item, &flat);
	}
}

static void mark_nested(struct search *search)
{
	for (size_t i = 0; i < search->items->len; i++) {
		const struct item *item = &search->items->list[i];

		if (item->kind != ITEM_LINE || !item->hash)
			continue;
		if (counts_get(&search->found[item->is_lost], item_site(item)) ||
			counts_get(&search->opened[item->is_lost], item->hash) ||
			stands_in_other(search, item))
			search->marked[i] = true;
	}
}

void items_find_flat(struct items *items, bool *marked)
{
	struct search search = {.items = items, .marked = marked};

	note_sites(&search);
	mark_flat(&search);
	mark_nested(&search);
	for (size_t i = 0; i < 2; i++) {
		counts_free(&search.sites[i]);
		counts_free(&search.found[i]);
		counts_free(&search.opened[i]);
	}
}
