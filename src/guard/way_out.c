#include "guard/way_out.h"

#include <ctype.h>

#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "guard/restore.h"
#include "guard/typed.h"
#include "rebuild/program.h"

/* Limit for the paths in one command. */
#define ADDED_BYTES 1200

/* Whether a terminal shows it as it is. */
static bool is_printable(const char *path)
{
	while (*path && !iscntrl((unsigned char)*path))
		path++;
	return !*path;
}

/* The command that adds new files to the index: git apply does not, and a flake would not
 * see them. Never "add .", which may add secrets; nor "git apply -N", which in git 2.39
 * drops all other files from the index. paths: what the patch adds; *ret_left: how many
 * new files the command does not name. */
static char *add_words(const struct guard *guard, const char *git,
	const struct by_hand *by_hand, struct strv *paths, size_t *ret_left)
{
	_cleanup_strv_ struct strv named = {0};
	_cleanup_free_ char *words = NULL;
	size_t bytes = 0;

	*ret_left = 0;
	if (!guard->call->configuration->is_git)
		return xstrdup("");
	for (size_t i = 0; i < guard->len; i++)
		for (size_t j = 0; j < guard->list[i].verdict.len; j++) {
			const struct finding *finding = &guard->list[i].verdict.list[j];

			if (finding->verdict == VERDICT_REFUSED && finding->whole_file &&
				finding->is_lost && !by_hand_has(by_hand, finding->path))
				strv_add_once(paths, finding->path);
		}
	for (size_t i = 0; i < paths->len; i++) {
		bytes += strlen(paths->words[i]);
		if (bytes > ADDED_BYTES || !is_printable(paths->words[i]))
			++*ret_left;
		else
			strv_add(&named, paths->words[i]);
	}
	if (!named.len)
		return xstrdup("");
	words = text_shell_words(named.words);
	return xasprintf("%s --literal-pathspecs add -f -N -- %s", git, words);
}

/* Whether a patch can set files right; by_hand: those that it cannot. */
static bool can_restore(
	struct by_hand *by_hand, struct strv *added, const struct guard *guard)
{
	bool ret = false;

	for (size_t i = 0; i < guard->len && !ret; i++) {
		const struct guarded *guarded = &guard->list[i];
		git_oid tree;

		if (guarded->verdict.len && !git_oid_is_zero(&guarded->verdict.live))
			ret = restore_tree(&tree, by_hand, added, &guarded->verdict) > 0;
	}
	return ret;
}

void way_out_say(const struct guard *guard, bool undo)
{
	const struct guard_call *call = guard->call;
	_cleanup_free_ char *git = typed_git(call->configuration);
	_cleanup_free_ char *diff = request_words(call->request);
	_cleanup_free_ char *add = NULL;
	_cleanup_by_hand_ struct by_hand by_hand = {0};
	_cleanup_strv_ struct strv paths = {0};
	size_t left;
	bool has_patch;

	if (call->configuration->kind == CONFIGURATION_COMMIT) {
		say("this flake is pinned to %s: name a commit with your work and theirs",
			call->configuration->revision);
		return;
	}
	has_patch = can_restore(&by_hand, &paths, guard);
	add = add_words(guard, git, &by_hand, &paths, &left);
	if (has_patch)
		say("%s: %s%s %s%s%s%sdiff --restore%s | %s apply "
		    "--whitespace=nowarn%s%s",
			undo   ? "bring it in"
			: *add ? "put it back"
			       : "take it out",
			call->caller->elevation, program_own_name(),
			call->caller->is_agent ? "--agent " : "",
			call->caller->is_agent ? call->caller->agent : "",
			call->caller->is_agent ? " " : "", call->settings_words, diff,
			git, *add ? " && " : "", add);
	else if (*add)
		say("bring it in: %s", add);
	if (left)
		say("then add the new files that the command does not name (%zu) to git: "
		    "see git status",
			left);
	by_hand_say(&by_hand, call, &guard->list[0]);
}

void way_out_say_allow(const struct guard_call *call, const char *undo, const char *redo)
{
	say("if it is meant to %s: %s%s%s%s%s%s%s%s %s", *undo ? "go" : "come back",
		call->caller->elevation, program_own_name(),
		*undo ? " --allow-undo " : "", undo, *redo ? " --allow-redo " : "", redo,
		*call->own_words ? " " : "", call->own_words, call->command);
}
