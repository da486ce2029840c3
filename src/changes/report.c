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

/* What is written so far and may still be. */
struct report {
	FILE *out;
	struct ledger *ledger;
	const struct report_options *options;
	const struct changes *changes;
	size_t lines, cut;
};

static int put_path(struct report *report, size_t index)
{
	const struct changes *changes = report->changes;
	char *text = NULL, *rest = NULL;
	size_t text_len;
	FILE *out = text_stream(&text, &text_len);
	int result = describe_path(out, &changes->total.list[index],
		changes->notes ? changes->notes[index] : NULL, report->ledger,
		report->options->show);

	fclose(out);
	for (char *line = strtok_r(text, "\n", &rest); result == 0 && line;
		line = strtok_r(NULL, "\n", &rest)) {
		fprintf(report->out, "    %s\n", line);
		report->lines++;
	}
	free(text);
	return result;
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

		fprintf(report->out, "    %s\n", clean);
		report->lines++;
	}
	if (step->more)
		fprintf(report->out, "    and %zu earlier commits\n", step->more);
}

static char *describe_base(const struct changes *changes)
{
	_cleanup_free_ char *age =
		clock_age(record_get_time(&changes->base.record, "Finished"));
	const uint64_t number = build_number(&changes->base);
	const char *agent = record_get(&changes->base.record, "Agent");

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

	fprintf(report->out, "%s: nothing has changed", base);
	if (report->changes->foreign_len)
		fprintf(report->out, " (%s%s since then)", builds,
			report->changes->base_kind == BASE_GIVEN ? "" : " by others");
	fputc('\n', report->out);
}

/* "M a.nix, A b.nix and 7 more: safe-rebuild diff". */
static void put_fresh_names(FILE *out, const struct changes *changes, size_t max)
{
	const size_t shown = changes->fresh_len < max ? changes->fresh_len : max;

	for (size_t i = 0; i < shown; i++) {
		const struct path_change *change =
			&changes->total.list[changes->fresh[i]];
		_cleanup_free_ char *path =
			text_clean(change->path, strlen(change->path));

		fprintf(out, "%s %c %.*s", i ? "," : "", path_change_letter(change),
			SUMMARY_LINE, path);
	}
	if (shown < changes->fresh_len)
		fprintf(out, " and %zu more: safe-rebuild diff",
			changes->fresh_len - shown);
	fputc('\n', out);
}

static void put_alone(struct report *report, const char *base)
{
	_cleanup_free_ char *count = text_count(report->changes->fresh_len, "file");

	fprintf(report->out, "%s: %s not built yet:", base, count);
	put_fresh_names(report->out, report->changes, SUMMARY_PATHS);
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

	fprintf(report->out, "%s:", base);
	if (changes->foreign_len)
		fprintf(report->out, " %s%s with %s;", builds,
			changes->base_kind == BASE_GIVEN ? "" : " by others", theirs);
	fprintf(report->out, " %s not built yet\n", fresh);
}

static int put_foreign(struct report *report)
{
	const struct changes *changes = report->changes;
	size_t without = 0;

	for (size_t i = 0; i < changes->foreign_len; i++) {
		const struct foreign_build *foreign = &changes->foreign[i];
		_cleanup_free_ char *line = describe_build(&foreign->build.record);

		/* Of those that left nothing behind the newest few tell what went on. */
		if (!foreign->len && i + BUILDS_WITHOUT_FILES < changes->foreign_len) {
			without++;
			continue;
		}
		/* Who changed something is named, however many lines the paths took. */
		fprintf(report->out, "  %s\n", line);
		report->lines++;
		put_commits(report, &foreign->commits);
		if (put_paths(report, foreign->paths, foreign->len) < 0)
			return -1;
	}
	if (without) {
		_cleanup_free_ char *others = text_count(without, "earlier build");

		fprintf(report->out, "  %s left nothing that still differs\n", others);
	}
	return 0;
}

static int put_by_author(struct report *report)
{
	const struct changes *changes = report->changes;

	if (put_foreign(report) < 0)
		return -1;
	if (changes->fresh_len || changes->fresh_commits.commits.len) {
		fprintf(report->out, "  not built yet:\n");
		put_commits(report, &changes->fresh_commits);
		if (put_paths(report, changes->fresh, changes->fresh_len) < 0)
			return -1;
	}
	if (report->cut)
		fprintf(report->out, "  and %zu more: safe-rebuild diff\n", report->cut);
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
		line = describe_build(&foreign->build.record);
		fprintf(report->out, "  %.*s (%zu)\n", SUMMARY_LINE, line, foreign->len);
		shown++;
	}
	if (left)
		fprintf(report->out, "  and %zu more builds\n", left);
	if (changes->fresh_len) {
		fprintf(report->out, "  not built yet:");
		put_fresh_names(report->out, changes, SUMMARY_PATHS);
	}
	fprintf(report->out, "  in detail:\n");
}

static int put_report(struct report *report, const char *base)
{
	FILE *out = report->out;
	char *details = NULL;
	size_t len;
	int result;

	report->out = text_stream(&details, &len);
	result = put_by_author(report);
	fclose(report->out);
	report->out = out;
	put_headline(report, base);
	if (len > REPORT_SUMMARY)
		put_summary(report);
	fputs(details, out);
	free(details);
	return result;
}

int report_changes(FILE *out, const struct changes *changes, struct ledger *ledger,
	const struct report_options *options)
{
	struct report report = {
		.out = out, .ledger = ledger, .options = options, .changes = changes};
	_cleanup_free_ char *base = NULL;

	if (changes->base_kind == BASE_NONE) {
		fprintf(out,
			"nothing is recorded yet that this could be compared with\n");
		return 0;
	}
	base = describe_base(changes);
	if (!changes->fresh_len && !count_foreign_paths(changes)) {
		put_nothing(&report, base);
		return 0;
	}
	if (!changes->foreign_len && !options->whole && options->show != SHOW_PATCH) {
		put_alone(&report, base);
		return 0;
	}
	return put_report(&report, base);
}
