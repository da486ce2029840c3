#include "changes/report.h"

#include <inttypes.h>
#include <stdarg.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "changes/base.h"
#include "changes/describe.h"
#include "changes/totals.h"

/* Of builds without a snapshot, and without files, only this many are shown (the newest).
 */
#define UNSEEN_SHOWN 3
#define BUILDS_WITHOUT_FILES 3
/* In the summary of a long report: so many builds and paths, so many bytes of a line. */
#define SUMMARY_BUILDS 5
#define SUMMARY_PATHS 5
#define SUMMARY_LINE 150
#define NAME_SHOWN 80
#define LINE_SHOWN 300
#define ABSENT_SHOWN 3
/* Others' builds get at least this part of the room. */
#define FOREIGN_PART(room) ((room) / 2)

/* How much may still be printed. */
struct room {
	size_t lines, bytes;
};

/* A report in the making, and the room that is left for it. */
struct report {
	const struct changes *changes;
	struct ledger *ledger;
	const struct report_options *options;
	struct strbuf *out;
	struct room room;
	size_t cut; /* paths for which there was no room */
};

static bool is_full(const struct report *report)
{
	return !report->room.lines || report->room.bytes < LINE_SHOWN;
}

/* Adds a line and its newline; a long line is cut. */
static void put_line(struct report *report, const char *format, ...) _printf_(2, 3);
static void put_line(struct report *report, const char *format, ...)
{
	_cleanup_free_ char *line = NULL;
	va_list args;
	size_t len;

	va_start(args, format);
	line = xvasprintf(format, args);
	va_end(args);
	len = report->options->whole ? strlen(line) : text_cut(line, LINE_SHOWN);
	strbuf_printf(report->out, "%.*s%s\n", (int)len, line, line[len] ? "..." : "");
	report->room.lines -= report->room.lines > 0;
	report->room.bytes -= report->room.bytes < len ? report->room.bytes : len;
}

static int put_path(struct report *report, size_t index)
{
	const struct changes *changes = report->changes;
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	const char *at, *line;
	size_t len;

	if (describe_path(&text, &changes->total.list[index],
		    changes->notes ? changes->notes[index] : NULL, report->ledger,
		    report->options->show) < 0)
		return -1;
	at = text.text;
	while (!is_full(report) && text_next_line(&at, text.text + text.len, &line, &len))
		put_line(report, "    %.*s", (int)len, line);
	/* A patch that is cut counts as not shown. */
	report->cut += at < text.text + text.len;
	return 0;
}

static int put_paths(struct report *report, const size_t *paths, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (is_full(report)) {
			report->cut += len - i;
			return 0;
		}
		if (put_path(report, paths[i]) < 0)
			return -1;
	}
	return 0;
}

static void put_commits(struct report *report, const struct commit_step *step)
{
	for (size_t i = 0; i < step->commits.len; i++)
		put_line(report, "    %s", step->commits.words[i]);
	if (step->more)
		put_line(report, "    and %zu earlier commits", step->more);
}

static size_t count_builds(const struct changes *changes)
{
	return changes->foreign_len + changes->unseen.len;
}

/* Their configurations are not known, but one of them may be live. */
static void put_unseen(struct report *report)
{
	const struct builds *unseen = &report->changes->unseen;

	for (size_t i = 0; i < unseen->len && i < UNSEEN_SHOWN; i++) {
		_cleanup_free_ char *line = describe_build(&unseen->list[i]);

		put_line(report, "  %s%s", line,
			unseen->list[i].back_to ? ""
						: " (its configuration is not known)");
	}
	if (unseen->len > UNSEEN_SHOWN)
		put_line(report, "  and %zu more whose configurations are not known",
			unseen->len - UNSEEN_SHOWN);
}

static void put_nothing(struct report *report, const char *base)
{
	_cleanup_free_ char *builds = text_count(count_builds(report->changes), "build");

	strbuf_printf(report->out, "%s: nothing has changed", base);
	base_put_not_live(report->out, report->changes);
	if (count_builds(report->changes))
		strbuf_printf(report->out, " (%s%s since then)", builds,
			report->changes->base_kind == BASE_GIVEN ? "" : " by others");
	strbuf_putc(report->out, '\n');
}

/* " M a.nix, A b.nix and 7 more". */
static void put_fresh_names(struct strbuf *out, const struct changes *changes, size_t max)
{
	const size_t shown = changes->fresh_len < max ? changes->fresh_len : max;

	for (size_t i = 0; i < shown; i++) {
		const struct path_change *change =
			&changes->total.list[changes->fresh[i]];
		_cleanup_free_ char *path = text_name(change->path, NAME_SHOWN);

		strbuf_printf(out, "%s %c %s%s", i ? "," : "", path_change_letter(change),
			path, change_is_absence(changes, change) ? " (not here)" : "");
	}
	if (shown < changes->fresh_len)
		strbuf_printf(out, " and %zu more", changes->fresh_len - shown);
}

static void put_alone(struct report *report, const char *base)
{
	_cleanup_free_ char *count = text_count(report->changes->fresh_len, "file");

	strbuf_printf(report->out, "%s: %s not built yet:", base, count);
	put_fresh_names(report->out, report->changes, SUMMARY_PATHS);
	if (report->changes->fresh_len > SUMMARY_PATHS)
		strbuf_printf(
			report->out, ": safe-rebuild diff%s", report->options->words);
	strbuf_putc(report->out, '\n');
}

static size_t count_foreign_paths(const struct changes *changes)
{
	size_t count = 0;

	for (size_t i = 0; i < changes->foreign_len; i++)
		count += changes->foreign[i].len;
	return count;
}

static void put_headline(struct report *report, const char *base)
{
	const struct changes *changes = report->changes;
	_cleanup_free_ char *builds = text_count(count_builds(changes), "build");
	_cleanup_free_ char *theirs = text_count(count_foreign_paths(changes), "file");
	_cleanup_free_ char *restored = text_count(changes->restored.len, "file");
	_cleanup_free_ char *fresh = text_count(changes->fresh_len, "file");

	strbuf_printf(report->out, "%s: ", base);
	if (count_builds(changes))
		strbuf_printf(report->out, "%s%s", builds,
			changes->base_kind == BASE_GIVEN ? "" : " by others");
	if (count_foreign_paths(changes))
		strbuf_printf(report->out, " with %s", theirs);
	if (changes->restored.len)
		strbuf_printf(report->out, "%s%s as before it",
			count_builds(changes) ? "; " : "", restored);
	if (changes->fresh_len)
		strbuf_printf(report->out, "%s%s not built yet",
			count_builds(changes) || changes->restored.len ? "; " : "",
			fresh);
	strbuf_putc(report->out, '\n');
}

/* "not here as this build has it: modules/b.nix". */
static void put_absent(struct report *report, const struct foreign_build *foreign)
{
	const struct strv *paths = &foreign->absent;
	_cleanup_strbuf_ struct strbuf names = STRBUF_INIT;

	if (!paths->len)
		return;
	for (size_t i = 0; i < paths->len && i < ABSENT_SHOWN; i++)
		strbuf_put_owned(
			&names, i ? ", " : "", text_name(paths->words[i], NAME_SHOWN));
	if (paths->len > ABSENT_SHOWN)
		strbuf_printf(&names, " and %zu more", paths->len - ABSENT_SHOWN);
	put_line(report, "    this build's version is not here: %s", names.text);
}

static int put_build(struct report *report, const struct foreign_build *foreign)
{
	_cleanup_free_ char *line = describe_build(&foreign->build);

	put_line(report, "  %s", line);
	put_commits(report, &foreign->commits);
	put_absent(report, foreign);
	return put_paths(report, foreign->paths, foreign->len);
}

/* Counts the builds that are not shown, the newest one's agent first. */
static void put_totals(struct report *report, const bool *told)
{
	const struct changes *changes = report->changes;
	_cleanup_totals_ struct totals totals = {0};
	_cleanup_strv_ struct strv lines = {0};

	for (size_t i = changes->foreign_len; i-- > 0;)
		if (!told[i])
			totals_add(&totals, &changes->foreign[i]);
	totals_describe(&lines, &totals);
	for (size_t i = 0; i < lines.len; i++)
		put_line(report, "  %s", lines.words[i]);
}

/* Lists the newest builds that there is room for, oldest first; counts the others. */
static int put_foreign(struct report *report)
{
	const struct changes *changes = report->changes;
	const size_t len = changes->foreign_len;
	_cleanup_free_ struct strbuf *texts = xcalloc(len + 1, sizeof(*texts));
	_cleanup_free_ bool *told = xcalloc(len + 1, sizeof(*told));
	struct strbuf *out = report->out;
	size_t without = 0;
	int result = 0;

	for (size_t i = len; i-- > 0 && result == 0;) {
		const struct foreign_build *foreign = &changes->foreign[i];

		texts[i] = (struct strbuf)STRBUF_INIT;
		/* One line for the build, and one for its first file. */
		if (is_full(report) || (foreign->len && report->room.lines < 2) ||
			(!foreign->len && without == BUILDS_WITHOUT_FILES))
			continue;
		without += !foreign->len;
		told[i] = true;
		report->out = &texts[i];
		result = put_build(report, foreign);
	}
	report->out = out;
	put_totals(report, told);
	for (size_t i = 0; i < len; i++) {
		if (told[i])
			strbuf_add(out, texts[i].text, texts[i].len);
		strbuf_free(&texts[i]);
	}
	return result;
}

static int put_fresh(struct report *report)
{
	const struct changes *changes = report->changes;

	if (!changes->fresh_len && !changes->fresh_commits.commits.len)
		return 0;
	put_line(report, changes->fresh_len ? "  not built yet:" : "  committed since:");
	put_commits(report, &changes->fresh_commits);
	return put_paths(report, changes->fresh, changes->fresh_len);
}

static int put_restored(struct report *report)
{
	const struct foreign_build *restored = &report->changes->restored;
	_cleanup_free_ char *line = NULL;

	if (!restored->len)
		return 0;
	line = describe_build(&restored->build);
	put_line(report, "  as in %s", line);
	return put_paths(report, restored->paths, restored->len);
}

/* The caller's own changes come last, but must leave room for those of others. */
static int put_by_author(struct report *report)
{
	_cleanup_strbuf_ struct strbuf fresh = STRBUF_INIT;
	struct strbuf *out = report->out;
	struct room foreign = {0};
	int result;

	if (report->changes->foreign_len) {
		foreign.lines = FOREIGN_PART(report->room.lines);
		foreign.bytes = FOREIGN_PART(report->room.bytes);
	}
	report->room.lines -= foreign.lines;
	report->room.bytes -= foreign.bytes;
	report->out = &fresh;
	result = put_restored(report) < 0 ? -1 : put_fresh(report);
	report->room.lines += foreign.lines;
	report->room.bytes += foreign.bytes;
	report->out = out;
	if (result < 0 || put_foreign(report) < 0)
		return -1;
	put_unseen(report);
	strbuf_add(out, fresh.text, fresh.len);
	if (report->cut)
		strbuf_printf(out, "  and %zu more: safe-rebuild diff%s%s\n", report->cut,
			report->options->words,
			report->options->whole ? " PATH ..." : "");
	return 0;
}

/* For a reader who reads no further. */
static void put_summary(struct report *report)
{
	const struct changes *changes = report->changes;
	size_t shown = 0, left = 0;

	for (size_t i = changes->foreign_len; i-- > 0;) {
		const struct foreign_build *foreign = &changes->foreign[i];
		_cleanup_free_ char *line = NULL;

		if (!foreign->len || shown == SUMMARY_BUILDS) {
			left += foreign->len > 0;
			continue;
		}
		line = describe_build(&foreign->build);
		strbuf_printf(report->out, "  %.*s (%zu)\n",
			(int)text_cut(line, SUMMARY_LINE), line, foreign->len);
		shown++;
	}
	if (left)
		strbuf_printf(report->out, "  and %zu more builds\n", left);
	if (changes->fresh_len) {
		strbuf_printf(report->out, "  not built yet:");
		put_fresh_names(report->out, changes, SUMMARY_PATHS);
		strbuf_putc(report->out, '\n');
	}
	strbuf_printf(report->out, "  in detail:\n");
}

/* Builds since the caller's own that took back (--allow-undo) or changed its work. */
static void put_taken_back(struct report *report)
{
	const struct changes *changes = report->changes;

	for (size_t i = 0; changes->base_kind == BASE_OWN && i < changes->foreign_len &&
			   !is_full(report);
		i++) {
		const struct build *build = &changes->foreign[i].build;
		_cleanup_free_ char *own = NULL;

		if (!build_took_effect(build))
			continue;
		if (builds_name_one_of(report->ledger, build->allowed_undo,
			    changes->base.agent, &own))
			put_line(report,
				"build %" PRIu64
				" by %s took back your build %s (--allow-undo)%s%s",
				build->number, build->agent, own,
				build->undone ? ": " : "",
				build->undone ? build->undone : "");
		else if (builds_name_one_of(report->ledger, build->changed_work,
				 changes->base.agent, &own))
			put_line(report,
				"build %" PRIu64 " by %s changed lines of your build %s: "
				"safe-rebuild show %" PRIu64 " --patch",
				build->number, build->agent, own, build->number);
	}
}

static int put_report(struct report *report, const char *base)
{
	_cleanup_strbuf_ struct strbuf details = STRBUF_INIT;
	struct strbuf *out = report->out;
	int result;

	report->out = &details;
	result = put_by_author(report);
	report->out = out;
	put_headline(report, base);
	if (details.len > REPORT_SUMMARY)
		put_summary(report);
	strbuf_add(out, details.text, details.len);
	return result;
}

int report_changes(struct strbuf *out, const struct changes *changes,
	struct ledger *ledger, const struct report_options *options)
{
	struct report report = {.out = out,
		.ledger = ledger,
		.options = options,
		.changes = changes,
		.room = {options->lines, options->bytes}};
	_cleanup_free_ char *base = NULL;

	if (changes->base_kind == BASE_NONE) {
		strbuf_printf(out, "nothing is recorded yet to compare this with\n");
		return 0;
	}
	base = base_describe(changes);
	put_taken_back(&report);
	if (changes_are_none(changes)) {
		put_nothing(&report, base);
		return 0;
	}
	if (!count_builds(changes) && !changes->restored.len && !options->whole &&
		options->show != SHOW_PATCH) {
		put_alone(&report, base);
		return 0;
	}
	return put_report(&report, base);
}
