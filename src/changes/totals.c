#include "changes/totals.h"

#include "base/memory.h"
#include "base/text.h"

#define AGENTS_SHOWN 5

void totals_add(struct totals *totals, const struct foreign_build *foreign)
{
	struct total *total = NULL;

	for (size_t i = 0; i < totals->len && !total; i++)
		if (streq(totals->list[i].agent, foreign->build.agent))
			total = &totals->list[i];
	if (!total) {
		total = list_add(totals->list, totals->len);
		*total = (struct total){.agent = foreign->build.agent};
	}
	total->builds++;
	total->failed += foreign->build.outcome == OUTCOME_FAILED;
	total->files += foreign->len;
}

static char *describe(const struct total *total)
{
	_cleanup_free_ char *builds = text_count(total->builds, "earlier build");
	_cleanup_free_ char *files = text_count(total->files, "file");
	_cleanup_free_ char *failed =
		total->failed ? xasprintf(", %zu failed", total->failed) : xstrdup("");

	return xasprintf("%s: %s%s%s%s", total->agent, builds, failed,
		total->files ? ", " : "", total->files ? files : "");
}

void totals_describe(struct strv *ret, const struct totals *totals)
{
	size_t builds = 0;

	for (size_t i = 0; i < totals->len; i++) {
		if (i >= AGENTS_SHOWN) {
			builds += totals->list[i].builds;
			continue;
		}
		strv_take(ret, describe(&totals->list[i]));
	}
	if (builds)
		strv_take(ret, xasprintf("%zu more agents: %zu builds",
				       totals->len - AGENTS_SHOWN, builds));
}

void totals_free(struct totals *totals)
{
	free(totals->list);
	*totals = (struct totals){0};
}
