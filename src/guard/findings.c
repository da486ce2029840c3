#include "guard/findings.h"

#include <inttypes.h>

#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"

/* Limits of a summary in one line. */
#define SUMMARY_SHOWN 3
#define PATH_SHOWN 150
#define TEXT_SHOWN 80
/* Lines shown of one path and build. */
#define LINES_NAMED 4

/* Findings about one path and one build, told in one line. */
struct group {
	const struct finding *first;
	struct named {
		const struct finding *list[LINES_NAMED];
		size_t len; /* including those that are not in list */
	} lost, returned;   /* lines */
};

struct groups {
	struct group *list;
	size_t len;
};

static bool belongs(const struct group *group, const struct finding *finding)
{
	return group->first->verdict == finding->verdict &&
	       group->first->build == finding->build &&
	       group->first->is_redo == finding->is_redo &&
	       group->first->kind == finding->kind &&
	       streq(group->first->path, finding->path) &&
	       (finding->kind == ITEM_LINE || group->first == finding);
}

static void add_line(struct named *lines, const struct finding *finding)
{
	if (lines->len < LINES_NAMED)
		lines->list[lines->len] = finding;
	lines->len++;
}

/* Those of one verdict, by path and build. */
static void group_findings(
	struct groups *ret, const struct verdict *verdict, enum item_verdict wanted)
{
	*ret = (struct groups){0};
	for (size_t i = 0; i < verdict->len; i++) {
		const struct finding *finding = &verdict->list[i];
		struct group *group = NULL;

		if (finding->verdict != wanted)
			continue;
		for (size_t j = ret->len; j-- > 0 && !group;)
			if (belongs(&ret->list[j], finding))
				group = &ret->list[j];
		if (!group) {
			group = list_add(ret->list, ret->len);
			*group = (struct group){.first = finding};
		}
		add_line(finding->is_lost ? &group->lost : &group->returned, finding);
	}
}

/* "2 lines (line 14: "a"; line 15: "b")". */
static void put_named(
	struct strbuf *out, const struct named *lines, size_t shown, const char *more)
{
	_cleanup_free_ char *count = text_count(lines->len, "line");

	strbuf_printf(out, "%s%s (", count, more);
	for (size_t i = 0; i < lines->len && i < shown; i++) {
		const struct finding *finding = lines->list[i];
		_cleanup_free_ char *quoted = text_quote(finding->text, TEXT_SHOWN);

		strbuf_printf(out, "%sline %u: %s", i ? "; " : "", finding->line, quoted);
		if (finding->other)
			strbuf_put_owned(out, ", it becomes ",
				text_quote(finding->other, TEXT_SHOWN));
	}
	strbuf_puts(out, lines->len > shown ? "; ...)" : ")");
}

static void put_lines(struct strbuf *out, const struct group *group, size_t shown)
{
	if (group->lost.len) {
		strbuf_puts(out, "lacks ");
		put_named(out, &group->lost, shown, "");
	}
	if (group->returned.len) {
		strbuf_puts(out, group->lost.len ? ", has " : "has ");
		put_named(out, &group->returned, shown,
			group->first->is_redo ? " back that a rollback had removed"
					      : " back that had been removed");
	}
}

static void put_change(struct strbuf *out, const struct group *group, size_t shown)
{
	const struct finding *first = group->first;

	if (first->whole_file && first->is_lost)
		strbuf_puts(out, "the file is missing");
	else if (first->whole_file)
		strbuf_puts(out, first->is_redo
					 ? "the file is back that a rollback had removed"
					 : "the file is back that had been removed");
	else if (first->kind == ITEM_INPUT)
		strbuf_printf(out, "%s%s",
			first->verdict == VERDICT_REFUSED ? "goes back: " : "",
			first->other ? first->other : "?");
	else if (first->kind == ITEM_ENTRY)
		strbuf_printf(out, "its %s %s",
			first->text ? first->text : "content or mode",
			first->verdict == VERDICT_REFUSED || first->text ? "goes back"
									 : "changes");
	else
		put_lines(out, group, shown);
}

static void put_owner(struct strbuf *out, const struct finding *finding)
{
	if (finding->build)
		strbuf_printf(out, " (build %" PRIu64 " by %s%s%s%s)", finding->build,
			finding->builder ? finding->builder
			: finding->agent ? finding->agent
					 : "?",
			finding->builder ? ", edited by " : "",
			finding->builder ? finding->agent : "",
			finding->uncommitted ? ", uncommitted" : "");
	else if (finding->verdict == VERDICT_UNKNOWN)
		strbuf_puts(out, " (it is not known whose work)");
}

size_t findings_say(const struct verdict *verdict, enum item_verdict wanted,
	const char *prefix, size_t shown)
{
	struct groups groups;
	size_t len;

	group_findings(&groups, verdict, wanted);
	len = groups.len + (wanted == VERDICT_REFUSED ? verdict->more : 0);
	for (size_t i = 0; i < groups.len && i < shown; i++) {
		const struct group *group = &groups.list[i];
		_cleanup_free_ char *name = text_name(group->first->path, PATH_SHOWN);
		_cleanup_strbuf_ struct strbuf line = STRBUF_INIT;

		strbuf_printf(&line, "%s: ", name);
		put_change(&line, group, LINES_NAMED);
		put_owner(&line, group->first);
		say("%s%s", prefix, line.text);
	}
	if (len > shown)
		say("%sand %zu more", prefix, len - shown);
	free(groups.list);
	return len;
}

void findings_put_refused(
	struct strbuf *out, const struct verdict *verdict, uint64_t named)
{
	struct groups groups;

	group_findings(&groups, verdict, VERDICT_REFUSED);
	for (size_t i = 0; i < groups.len && i < SUMMARY_SHOWN; i++) {
		const struct finding *first = groups.list[i].first;
		_cleanup_free_ char *name = text_name(first->path, PATH_SHOWN);

		strbuf_printf(out, "; %s: ", name);
		put_change(out, &groups.list[i], 1);
		if (!named || first->build != named)
			put_owner(out, first);
	}
	if (groups.len > SUMMARY_SHOWN)
		strbuf_printf(out, "; and %zu more", groups.len - SUMMARY_SHOWN);
	free(groups.list);
}
