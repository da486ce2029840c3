#include "changes/describe.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/text.h"
#include "changes/lock_file.h"
#include "rebuild/target.h"
#include "snapshot/stub.h"

/* The record has the whole message; here it is only a reminder. */
#define MESSAGE_SHOWN 120
#define PATH_SHOWN 200
/* Above this a patch says little and costs much. */
#define PATCH_BLOB_MAX ((git_object_size_t)1 << 20)

char *describe_build(const struct build *build)
{
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	_cleanup_free_ char *target = NULL;

	strbuf_printf(&out, "build %" PRIu64 " by %s: %s", build->number, build->agent,
		build->action ? build->action : "?");
	if (build->back_to)
		strbuf_printf(&out, "%s to %s",
			streq_known(build->action, "rollback") ? "" : " --rollback",
			build->back_to);
	target = build->target ? target_describe(build->target) : NULL;
	if (target)
		strbuf_printf(&out, " of %s", target);
	strbuf_printf(&out, " %s", outcome_words[build->outcome]);
	if (build->outcome == OUTCOME_CANCELLED && build->cancelled_by)
		strbuf_printf(&out, " by %s", build->cancelled_by);
	if (build->taken_back)
		strbuf_printf(&out, " (%s)", build->taken_back);
	if (build->confirmed_by)
		strbuf_printf(&out, " (confirmed by %s)", build->confirmed_by);
	if (build->rolled_back)
		strbuf_printf(&out, ", took out %s", build->rolled_back);
	if (build->allowed_undo && build_took_effect(build))
		strbuf_printf(&out, ", took back %s (--allow-undo)", build->allowed_undo);
	if (build->allowed_redo && build_took_effect(build))
		strbuf_printf(
			&out, ", brought back %s (--allow-redo)", build->allowed_redo);
	if (build->generation && build->generation != build->generation_before)
		strbuf_printf(&out, ", generation %" PRIu64, build->generation);
	if (build->finished)
		strbuf_put_owned(&out, ", ", clock_age(build->finished));
	else if (build->started)
		strbuf_put_owned(
			&out, " for ", clock_duration(time(NULL) - build->started));
	if (build->message)
		strbuf_put_owned(&out, ": ", text_quote(build->message, MESSAGE_SHOWN));
	return text_clean(out.text, out.len);
}

char *describe_refusal(const struct build *call)
{
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	_cleanup_free_ char *age = clock_age(call->finished);

	strbuf_printf(&out, "%s: %s refused, %s: it %s", call->agent,
		call->action ? call->action : "?", age,
		call->refused ? call->refused : "?");
	if (call->undone)
		strbuf_printf(&out, " (%s)", call->undone);
	return text_clean(out.text, out.len);
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

static int put_patch(struct strbuf *out, git_patch *patch)
{
	git_buf text = {0};

	if (git_patch_to_buf(&text, patch) < 0)
		return git_failed("cannot compare a recorded file");
	text_put_lines(out, text.ptr, text.size);
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
			       : " (mode changed)";
	if ((!old || !git_blob_rawsize(old)) && (!new || !git_blob_rawsize(new)))
		return " (empty)";
	return " (binary)";
}

/* Adds "+10 -2", why no lines changed, or the inputs of a flake.lock. */
static int describe_content(struct strbuf *out, const struct path_change *change,
	git_patch *patch, const git_blob *old, const git_blob *new)
{
	_cleanup_lock_file_ struct lock_file before = {0}, after = {0};
	_cleanup_free_ char *inputs = NULL;
	size_t added = 0, removed = 0;

	if (is_lock_file(change->path)) {
		lock_file_parse(&before, old);
		lock_file_parse(&after, new);
		/* A lock file without inputs was probably not understood. */
		if ((!old || before.len) && (!new || after.len))
			inputs = lock_file_describe(&before, &after);
	}
	if (inputs) {
		strbuf_put_owned(out, ": ", text_clean(inputs, strlen(inputs)));
		return 0;
	}
	if (patch && git_patch_line_stats(NULL, &added, &removed, patch) < 0)
		return git_failed("cannot compare a recorded file");
	if (patch && !added && !removed)
		strbuf_printf(out, "%s", describe_lineless(change, old, new));
	if (added)
		strbuf_printf(out, " +%zu", added);
	if (removed)
		strbuf_printf(out, " -%zu", removed);
	return 0;
}

static int describe_blobs(struct strbuf *out, const struct path_change *change,
	struct ledger *ledger, git_patch **ret_patch)
{
	_cleanup_git_(blob) git_blob *old = NULL, *new = NULL;

	if (lookup_blob(&old, ledger, change->old_mode, &change->old_id) < 0 ||
		lookup_blob(&new, ledger, change->new_mode, &change->new_id) < 0)
		return -1;
	if (stub_is(old) || stub_is(new)) {
		strbuf_puts(out, " (content not recorded)");
		return 0;
	}
	if ((old && git_blob_rawsize(old) > PATCH_BLOB_MAX) ||
		(new &&git_blob_rawsize(new) > PATCH_BLOB_MAX) || (!old && !new))
		return 0;
	if (git_patch_from_blobs(ret_patch, old, change->path, new, change->path, NULL) <
		0)
		return git_failed("cannot compare a recorded file");
	return describe_content(out, change, *ret_patch, old, new);
}

int describe_path(struct strbuf *out, const struct path_change *change, const char *note,
	struct ledger *ledger, enum show_changes show)
{
	_cleanup_free_ char *path = text_name(change->path, PATH_SHOWN);
	_cleanup_git_(patch) git_patch *patch = NULL;

	strbuf_printf(out, "%c %s", path_change_letter(change), path);
	if (show != SHOW_NAMES && describe_blobs(out, change, ledger, &patch) < 0)
		return -1;
	strbuf_printf(out, "%s%s\n", note ? ", " : "", note ? note : "");
	return show == SHOW_PATCH && patch ? put_patch(out, patch) : 0;
}
