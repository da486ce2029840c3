#include "guard/losses.h"

#include <inttypes.h>

#include "base/memory.h"

void loss_free(struct loss *loss)
{
	free(loss->path);
	free(loss->text);
}

void losses_add(struct losses *losses, struct loss *loss)
{
	if (losses->len == LOSSES_MAX) {
		losses->more++;
		loss_free(loss);
		return;
	}
	losses->list = xgrow(losses->list, losses->len, sizeof(*losses->list));
	losses->list[losses->len++] = *loss;
}

void losses_free(struct losses *losses)
{
	for (size_t i = 0; i < losses->len; i++)
		loss_free(&losses->list[i]);
	free(losses->list);
	*losses = (struct losses){0};
}

/* "2 12 3 1 0 BASE LIVE": all of a loss that is no foreign text. */
static void put_numbers(struct record *record, const char *key, const struct loss *loss)
{
	char base[OID_TEXT_SIZE], live[OID_TEXT_SIZE];

	record_setf(record, key, "%d %" PRIu64 " %zu %zu %d %s %s", (int)loss->kind,
		loss->line, loss->added, loss->removed, loss->uncommitted,
		oid_text(base, &loss->base), oid_text(live, &loss->live));
}

void losses_to_record(struct record *record, const struct losses *losses)
{
	record_setf(record, "Losses", "%zu", losses->len);
	record_setf(record, "More", "%zu", losses->more);
	for (size_t i = 0; i < losses->len; i++) {
		_cleanup_free_ char *numbers = xasprintf("Loss-%zu", i);
		_cleanup_free_ char *path = xasprintf("Path-%zu", i);
		_cleanup_free_ char *text = xasprintf("Text-%zu", i);

		put_numbers(record, numbers, &losses->list[i]);
		record_set(record, path, losses->list[i].path);
		record_set(record, text, losses->list[i].text);
	}
}

static bool read_numbers(struct loss *ret, const char *numbers)
{
	char base[OID_TEXT_SIZE] = "", live[OID_TEXT_SIZE] = "";
	int kind, uncommitted;

	if (!numbers ||
		sscanf(numbers, "%d %" SCNu64 " %zu %zu %d %40s %40s", &kind, &ret->line,
			&ret->added, &ret->removed, &uncommitted, base, live) != 7)
		return false;
	ret->kind = (enum loss_kind)kind;
	ret->uncommitted = uncommitted;
	return kind >= LOSS_LINES && kind <= LOSS_CONFLICT &&
	       git_oid_fromstr(&ret->base, base) == 0 &&
	       git_oid_fromstr(&ret->live, live) == 0;
}

void losses_from_record(struct losses *ret, const struct record *record)
{
	const uint64_t count = record_get_number(record, "Losses");

	*ret = (struct losses){.more = record_get_number(record, "More")};
	for (size_t i = 0; i < count && i < LOSSES_MAX; i++) {
		_cleanup_free_ char *numbers = xasprintf("Loss-%zu", i);
		_cleanup_free_ char *path = xasprintf("Path-%zu", i);
		_cleanup_free_ char *text = xasprintf("Text-%zu", i);
		const char *its_path = record_get(record, path);
		const char *its_text = record_get(record, text);
		struct loss loss = {0};

		if (!its_path || !read_numbers(&loss, record_get(record, numbers)))
			continue;
		loss.path = xstrdup(its_path);
		loss.text = its_text ? xstrdup(its_text) : NULL;
		losses_add(ret, &loss);
	}
}
