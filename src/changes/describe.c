#include "changes/describe.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

/* Longer messages are in the record; here they are a reminder. */
#define MESSAGE_SHOWN 120
#define BUILDS_WITHOUT_FILES 3
/* Above this a patch says little and costs much. */
#define PATCH_BLOB_MAX ((git_object_size_t)1 << 20)

char *describe_build(const struct record *build)
{
	const char *agent = record_get(build, "Agent"),
		   *action = record_get(build, "Action");
	const char *outcome = record_get(build, "Outcome");
	const char *generation = record_get(build, "Generation");
	const char *before = record_get(build, "Generation-Before");
	const char *message = record_get(build, "Message");
	const bool changed = generation && (!before || !streq(generation, before));
	time_t when = record_get_time(build, "Finished");
	char *text = NULL;
	size_t len;
	FILE *out = text_stream(&text, &len);

	fprintf(out, "build %" PRIu64 " by %s: %s %s", record_get_number(build, "Build"),
		agent ? agent : "?", action ? action : "?", outcome ? outcome : "?");
	if (changed)
		fprintf(out, ", generation %s", generation);
	if (when) {
		_cleanup_free_ char *age = clock_age(when);

		fprintf(out, ", %s", age);
	} else if (record_get(build, "Started")) {
		_cleanup_free_ char *duration =
			clock_duration(time(NULL) - record_get_time(build, "Started"));

		fprintf(out, " for %s", duration);
	}
	if (message) {
		_cleanup_free_ char *quoted = text_quote(message, MESSAGE_SHOWN);

		fprintf(out, ": %s", quoted);
	}
	fclose(out);
	set_string(&text, text_clean(text, len));
	return text;
}

static int lookup_blob(
	git_blob **ret, struct ledger *ledger, uint32_t mode, const git_oid *id)
{
	*ret = NULL;
	if (!mode || mode == GIT_FILEMODE_COMMIT)
		return 0;
	if (git_blob_lookup(ret, ledger->repository, id) < 0)
		return git_failed("cannot read a recorded file");
	return 0;
}

static int print_patch(FILE *out, git_patch *patch)
{
	git_buf text = {0};
	const char *at, *end;

	if (git_patch_to_buf(&text, patch) < 0)
		return git_failed("cannot compare a recorded file");
	for (at = text.ptr, end = text.ptr + text.size; at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((newline ? newline : end) - at);
		_cleanup_free_ char *line = text_clean(at, len);

		fprintf(out, "%s\n", line);
		at += len + 1;
	}
	git_buf_dispose(&text);
	return 0;
}

/* Why there are no lines to count. */
static const char *describe_lineless(
	const struct path_change *change, const git_blob *old, const git_blob *new)
{
	if (old && new &&git_oid_equal(&change->old_id, &change->new_id))
		return change->new_mode == GIT_FILEMODE_BLOB_EXECUTABLE
			       ? " (now executable)"
			       : " (mode)";
	if ((!old || !git_blob_rawsize(old)) && (!new || !git_blob_rawsize(new)))
		return " (empty)";
	return " (binary)";
}

int describe_path(FILE *out, const struct path_change *change, struct ledger *ledger,
	enum show_changes show)
{
	_cleanup_free_ char *path = text_clean(change->path, strlen(change->path));
	_cleanup_git_(blob) git_blob *old = NULL, *new = NULL;
	_cleanup_git_(patch) git_patch *patch = NULL;
	size_t added = 0, removed = 0;

	fprintf(out, "%c %s", path_change_letter(change), path);
	if (show == SHOW_NAMES) {
		fputc('\n', out);
		return 0;
	}
	if (lookup_blob(&old, ledger, change->old_mode, &change->old_id) < 0 ||
		lookup_blob(&new, ledger, change->new_mode, &change->new_id) < 0)
		return -1;
	if ((old && git_blob_rawsize(old) > PATCH_BLOB_MAX) ||
		(new &&git_blob_rawsize(new) > PATCH_BLOB_MAX) || (!old && !new)) {
		fputc('\n', out);
		return 0;
	}
	if (git_patch_from_blobs(&patch, old, change->path, new, change->path, NULL) < 0)
		return git_failed("cannot compare a recorded file");
	if (patch && git_patch_line_stats(NULL, &added, &removed, patch) == 0)
		fprintf(out, "%s",
			added || removed ? "" : describe_lineless(change, old, new));
	if (added)
		fprintf(out, " +%zu", added);
	if (removed)
		fprintf(out, " -%zu", removed);
	fputc('\n', out);
	return show == SHOW_PATCH && patch ? print_patch(out, patch) : 0;
}

/* What is written so far and may still be. */
struct page {
	FILE *out;
	struct ledger *ledger;
	const struct describe_options *options;
	const struct changes *changes;
	size_t lines, cut;
};

static int put_paths(struct page *page, const size_t *paths, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		_cleanup_free_ char *text = NULL;
		size_t text_len;
		FILE *out;
		int result;

		if (page->lines >= page->options->lines) {
			page->cut += len - i;
			return 0;
		}
		out = text_stream(&text, &text_len);
		result = describe_path(out, &page->changes->total.list[paths[i]],
			page->ledger, page->options->show);
		fclose(out);
		if (result < 0)
			return -1;
		for (char *line = text, *newline; (newline = strchr(line, '\n'));
			line = newline + 1) {
			*newline = '\0';
			fprintf(page->out, "    %s\n", line);
			page->lines++;
		}
	}
	return 0;
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

static void put_nothing(struct page *page, const char *base)
{
	_cleanup_free_ char *builds = text_count(page->changes->foreign_len, "build");

	fprintf(page->out, "%s: nothing has changed", base);
	if (page->changes->foreign_len)
		fprintf(page->out, " (%s by others since then)", builds);
	fputc('\n', page->out);
}

static int put_alone(struct page *page, const char *base)
{
	const struct changes *changes = page->changes;
	_cleanup_free_ char *count = text_count(changes->fresh_len, "file");
	size_t shown = changes->fresh_len < 5 ? changes->fresh_len : 5;

	fprintf(page->out, "%s: %s not built yet:", base, count);
	for (size_t i = 0; i < shown; i++) {
		const struct path_change *change =
			&changes->total.list[changes->fresh[i]];
		_cleanup_free_ char *path =
			text_clean(change->path, strlen(change->path));

		fprintf(page->out, "%s %c %s", i ? "," : "", path_change_letter(change),
			path);
	}
	if (shown < changes->fresh_len)
		fprintf(page->out, " and %zu more: safe-rebuild diff",
			changes->fresh_len - shown);
	fputc('\n', page->out);
	return 0;
}

static int put_by_author(struct page *page, const char *base)
{
	const struct changes *changes = page->changes;
	_cleanup_free_ char *builds = text_count(changes->foreign_len, "build");
	_cleanup_free_ char *theirs =
		text_count(changes->total.len - changes->fresh_len, "file");
	_cleanup_free_ char *fresh = text_count(changes->fresh_len, "file");
	size_t without = 0;

	fprintf(page->out, "%s:", base);
	if (changes->foreign_len)
		fprintf(page->out, " %s by others with %s;", builds, theirs);
	fprintf(page->out, " %s not built yet\n", fresh);
	for (size_t i = 0; i < changes->foreign_len; i++) {
		const struct foreign_build *foreign = &changes->foreign[i];
		_cleanup_free_ char *line = describe_build(&foreign->build.record);

		/* Of those that left nothing behind the newest few tell what went on. */
		if (!foreign->len && i + BUILDS_WITHOUT_FILES < changes->foreign_len) {
			without++;
			continue;
		}
		/* Who changed something is named, however many lines the paths took. */
		fprintf(page->out, "  %s\n", line);
		page->lines++;
		if (put_paths(page, foreign->paths, foreign->len) < 0)
			return -1;
	}
	if (changes->fresh_len) {
		fprintf(page->out, "  not built yet:\n");
		if (put_paths(page, changes->fresh, changes->fresh_len) < 0)
			return -1;
	}
	if (without) {
		_cleanup_free_ char *others = text_count(without, "earlier build");

		fprintf(page->out, "  %s left nothing that still differs\n", others);
	}
	if (page->cut)
		fprintf(page->out, "  and %zu more: safe-rebuild diff\n", page->cut);
	return 0;
}

int describe_changes(FILE *out, const struct changes *changes, struct ledger *ledger,
	const struct describe_options *options)
{
	struct page page = {
		.out = out, .ledger = ledger, .options = options, .changes = changes};
	_cleanup_free_ char *base = NULL;

	if (changes->base_kind == BASE_NONE) {
		fprintf(out,
			"nothing is recorded yet that this could be compared with\n");
		return 0;
	}
	base = describe_base(changes);
	if (!changes->total.len) {
		put_nothing(&page, base);
		return 0;
	}
	if (!changes->foreign_len && !options->whole && options->show != SHOW_PATCH)
		return put_alone(&page, base);
	return put_by_author(&page, base);
}
