#include "changes/report.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "changes/describe.h"

#define BUILDS_WITHOUT_FILES 3
/* In the summary of a long report: so many builds and paths, so many bytes of a line. */
#define SUMMARY_BUILDS 5
#define SUMMARY_PATHS 5
#define SUMMARY_LINE 150
#define ABSENT_SHOWN 3

/* What is written so far and may still be. */
struct report {
	struct strbuf *out;
	struct ledger *ledger;
	const struct report_options *options;
	const struct changes *changes;
	size_t lines, cut;
};

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
	while (text_next_line(&at, text.text + text.len, &line, &len)) {
		strbuf_printf(report->out, "    %.*s\n", (int)len, line);
		report->lines++;
	}
	return 0;
}

static int put_paths(struct report *report, const size_t *paths, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (report->lines >= report->options->lines) {
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
	for (size_t i = 0; i < step->commits.len; i++) {
		const char *commit = step->commits.words[i];
		_cleanup_free_ char *clean = text_clean(commit, strlen(commit));

		strbuf_printf(report->out, "    %s\n", clean);
		report->lines++;
	}
	if (step->more)
		strbuf_printf(report->out, "    and %zu earlier commits\n", step->more);
}

static char *describe_base(const struct changes *changes)
{
	_cleanup_free_ char *age = clock_age(changes->base.finished);
	const uint64_t number = changes->base.number;
	const char *agent = changes->base.agent;

	switch (changes->base_kind) {
	case BASE_OWN:
		return xasprintf("since your build %" PRIu64 " (%s)", number, age);
	case BASE_LIVE:
		return xasprintf("no build of yours yet; since build %" PRIu64
				 " by %s, live when your session began",
			number, agent);
	case BASE_OLDEST:
		return xasprintf("no build of yours yet; since build %" PRIu64
				 " by %s, the oldest recorded",
			number, agent);
	default:
		return xasprintf(
			"since build %" PRIu64 " by %s (%s)", number, agent, age);
	}
}

static void put_nothing(struct report *report, const char *base)
{
	_cleanup_free_ char *builds = text_count(report->changes->foreign_len, "build");

	strbuf_printf(report->out, "%s: nothing has changed", base);
	if (report->changes->foreign_len)
		strbuf_printf(report->out, " (%s%s since then)", builds,
			report->changes->base_kind == BASE_GIVEN ? "" : " by others");
	strbuf_putc(report->out, '\n');
}

/* "M a.nix, A b.nix and 7 more: safe-rebuild diff". */
static void put_fresh_names(struct strbuf *out, const struct changes *changes, size_t max)
{
	const size_t shown = changes->fresh_len < max ? changes->fresh_len : max;

	for (size_t i = 0; i < shown; i++) {
		const struct path_change *change =
			&changes->total.list[changes->fresh[i]];
		_cleanup_free_ char *path =
			text_clean(change->path, strlen(change->path));

		strbuf_printf(out, "%s %c %.*s", i ? "," : "", path_change_letter(change),
			(int)text_cut(path, SUMMARY_LINE), path);
	}
	if (shown < changes->fresh_len)
		strbuf_printf(out, " and %zu more", changes->fresh_len - shown);
}

static void put_alone(struct report *report, const char *base)
{
	_cleanup_free_ char *count = text_count(report->changes->fresh_len, "file");

	strbuf_printf(report->out, "%s: %s not built yet:", base, count);
	put_fresh_names(report->out, report->changes, SUMMARY_PATHS);
	strbuf_puts(report->out, report->changes->fresh_len > SUMMARY_PATHS
					 ? ": safe-rebuild diff\n"
					 : "\n");
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
	_cleanup_free_ char *builds = text_count(changes->foreign_len, "build");
	_cleanup_free_ char *theirs = text_count(count_foreign_paths(changes), "file");
	_cleanup_free_ char *fresh = text_count(changes->fresh_len, "file");

	strbuf_printf(report->out, "%s: ", base);
	if (changes->foreign_len)
		strbuf_printf(report->out, "%s%s", builds,
			changes->base_kind == BASE_GIVEN ? "" : " by others");
	if (count_foreign_paths(changes))
		strbuf_printf(report->out, " with %s", theirs);
	if (changes->fresh_len)
		strbuf_printf(report->out, "%s%s not built yet",
			changes->foreign_len ? "; " : "", fresh);
	strbuf_putc(report->out, '\n');
}

/* "has modules/b.nix otherwise than here". */
static void put_absent(struct report *report, const struct foreign_build *foreign)
{
	const struct strv *paths = &foreign->absent;

	if (!paths->len)
		return;
	strbuf_puts(report->out, "    not here as this build has it: ");
	for (size_t i = 0; i < paths->len && i < ABSENT_SHOWN; i++) {
		_cleanup_free_ char *clean =
			text_clean(paths->words[i], strlen(paths->words[i]));

		strbuf_printf(report->out, "%s%.*s", i ? ", " : "",
			(int)text_cut(clean, SUMMARY_LINE / 2), clean);
	}
	if (paths->len > ABSENT_SHOWN)
		strbuf_printf(report->out, " and %zu more", paths->len - ABSENT_SHOWN);
	strbuf_putc(report->out, '\n');
	report->lines++;
}

static int put_foreign(struct report *report)
{
	const struct changes *changes = report->changes;
	size_t without = 0;

	for (size_t i = 0; i < changes->foreign_len; i++) {
		const struct foreign_build *foreign = &changes->foreign[i];
		_cleanup_free_ char *line = describe_build(&foreign->build);

		/* Of those that left nothing behind the newest few tell what went on. */
		if (!foreign->len && i + BUILDS_WITHOUT_FILES < changes->foreign_len) {
			without++;
			continue;
		}
		/* Who changed something is named, however many lines the paths took. */
		strbuf_printf(report->out, "  %s\n", line);
		report->lines++;
		put_commits(report, &foreign->commits);
		put_absent(report, foreign);
		if (put_paths(report, foreign->paths, foreign->len) < 0)
			return -1;
	}
	if (without) {
		_cleanup_free_ char *others = text_count(without, "earlier build");

		strbuf_printf(
			report->out, "  %s left nothing that still differs\n", others);
	}
	return 0;
}

static int put_by_author(struct report *report)
{
	const struct changes *changes = report->changes;

	if (put_foreign(report) < 0)
		return -1;
	if (changes->fresh_len || changes->fresh_commits.commits.len) {
		strbuf_printf(report->out, "  not built yet:\n");
		put_commits(report, &changes->fresh_commits);
		if (put_paths(report, changes->fresh, changes->fresh_len) < 0)
			return -1;
	}
	if (report->cut)
		strbuf_printf(report->out, "  and %zu more: safe-rebuild diff%s\n",
			report->cut, report->options->whole ? " PATH ..." : "");
	return 0;
}

/* What one who reads no further has to know. */
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

/* Whether one of the builds named ("43,44") is the agent's. */
static bool names_build_of(
	struct ledger *ledger, const char *names, const char *agent, char **ret)
{
	_cleanup_strv_ struct strv words = {0};
	uint64_t number;

	strv_split(&words, names, ",");
	for (size_t i = 0; i < words.len; i++) {
		_cleanup_build_ struct build build = BUILD_INIT;

		if (text_to_number(words.words[i], UINT64_MAX, &number) &&
			build_in_chain(&build, ledger, number) > 0 &&
			build_is_of_agent(&build, agent)) {
			*ret = xstrdup(words.words[i]);
			return true;
		}
	}
	return false;
}

/* Builds since the caller's own that took its work back, which they had to say. */
static void put_taken_back(struct report *report)
{
	const struct changes *changes = report->changes;

	for (size_t i = 0; changes->base_kind == BASE_OWN && i < changes->foreign_len;
		i++) {
		const struct build *build = &changes->foreign[i].build;
		_cleanup_free_ char *own = NULL, *paths = NULL;

		if (!build->allowed_undo || !build_took_effect(build) ||
			!names_build_of(report->ledger, build->allowed_undo,
				changes->base.agent, &own))
			continue;
		paths = text_clean(build->undone ? build->undone : "?",
			build->undone ? strlen(build->undone) : 1);
		strbuf_printf(report->out,
			"build %" PRIu64
			" by %s took back your build %s (--allow-undo): %.*s\n",
			build->number, build->agent, own,
			(int)text_cut(paths, 2 * SUMMARY_LINE), paths);
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
	struct report report = {
		.out = out, .ledger = ledger, .options = options, .changes = changes};
	_cleanup_free_ char *base = NULL;

	if (changes->base_kind == BASE_NONE) {
		strbuf_printf(out,
			"nothing is recorded yet that this could be compared with\n");
		return 0;
	}
	base = describe_base(changes);
	put_taken_back(&report);
	if (changes_are_none(changes)) {
		put_nothing(&report, base);
		return 0;
	}
	if (!changes->foreign_len && !options->whole && options->show != SHOW_PATCH) {
		put_alone(&report, base);
		return 0;
	}
	return put_report(&report, base);
}
