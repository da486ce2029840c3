#include "changes/describe.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "changes/lock_file.h"

/* Longer messages are in the record; here they are a reminder. */
#define MESSAGE_SHOWN 120
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

	if (git_patch_to_buf(&text, patch) < 0)
		return git_failed("cannot compare a recorded file");
	text_print_lines(out, text.ptr, text.size);
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

/* "+10 -2", what else changed, or the inputs of a flake.lock. */
static int describe_content(FILE *out, const struct path_change *change, git_patch *patch,
	const git_blob *old, const git_blob *new)
{
	_cleanup_lock_file_ struct lock_file before = {0}, after = {0};
	_cleanup_free_ char *inputs = NULL;
	size_t added = 0, removed = 0;

	if (is_lock_file(change->path)) {
		lock_file_parse(&before, old);
		lock_file_parse(&after, new);
		/* One without inputs is none that could be read. */
		if ((!old || before.len) && (!new || after.len))
			inputs = lock_file_describe(&before, &after);
	}
	if (inputs) {
		_cleanup_free_ char *clean = text_clean(inputs, strlen(inputs));

		fprintf(out, ": %s", clean);
		return 0;
	}
	if (patch && git_patch_line_stats(NULL, &added, &removed, patch) < 0)
		return git_failed("cannot compare a recorded file");
	if (patch && !added && !removed)
		fprintf(out, "%s", describe_lineless(change, old, new));
	if (added)
		fprintf(out, " +%zu", added);
	if (removed)
		fprintf(out, " -%zu", removed);
	return 0;
}

static int describe_blobs(FILE *out, const struct path_change *change,
	struct ledger *ledger, git_patch **ret_patch)
{
	_cleanup_git_(blob) git_blob *old = NULL, *new = NULL;

	if (lookup_blob(&old, ledger, change->old_mode, &change->old_id) < 0 ||
		lookup_blob(&new, ledger, change->new_mode, &change->new_id) < 0)
		return -1;
	if ((old && git_blob_rawsize(old) > PATCH_BLOB_MAX) ||
		(new &&git_blob_rawsize(new) > PATCH_BLOB_MAX) || (!old && !new))
		return 0;
	if (git_patch_from_blobs(ret_patch, old, change->path, new, change->path, NULL) <
		0)
		return git_failed("cannot compare a recorded file");
	return describe_content(out, change, *ret_patch, old, new);
}

int describe_path(FILE *out, const struct path_change *change, const char *note,
	struct ledger *ledger, enum show_changes show)
{
	_cleanup_free_ char *path = text_clean(change->path, strlen(change->path));
	_cleanup_git_(patch) git_patch *patch = NULL;

	fprintf(out, "%c %s", path_change_letter(change), path);
	if (show != SHOW_NAMES && describe_blobs(out, change, ledger, &patch) < 0)
		return -1;
	fprintf(out, "%s%s\n", note ? ", " : "", note ? note : "");
	return show == SHOW_PATCH && patch ? print_patch(out, patch) : 0;
}
