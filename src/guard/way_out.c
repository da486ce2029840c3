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

/* Adds files that lie there, so that git only has to track them: no patch has them. */
static void find_untracked(struct strv *ret, const struct guard *guard,
	const struct by_hand *by_hand, const struct strv *added)
{
	for (size_t i = 0; i < guard->len; i++)
		for (size_t j = 0; j < guard->list[i].verdict.len; j++) {
			const struct finding *finding = &guard->list[i].verdict.list[j];

			if (finding->verdict == VERDICT_REFUSED && finding->whole_file &&
				finding->is_lost &&
				!by_hand_has(by_hand, finding->path) &&
				!strv_has(added, finding->path))
				strv_add_once(ret, finding->path);
		}
}

/* How many of them a command can name. */
static size_t count_nameable(const struct strv *paths)
{
	size_t bytes = 0, i = 0;

	while (i < paths->len && is_printable(paths->words[i]) &&
		(bytes += strlen(paths->words[i])) <= ADDED_BYTES)
		i++;
	return i;
}

/* The command that adds files to the index: git apply does not, and a flake would not see
 * them. Never "add .", which may add secrets; nor "git apply -N", which in git 2.39 drops
 * all other files from the index. "": it names none. */
static char *add_words(const char *git, const struct strv *paths, size_t len)
{
	_cleanup_strv_ struct strv named = {0};
	_cleanup_free_ char *words = NULL;

	for (size_t i = 0; i < len && i < paths->len; i++)
		strv_add(&named, paths->words[i]);
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

/* What makes the patch: "safe-rebuild --agent beta diff --restore --flake .#box". */
static char *restore_words(const struct guard_call *call)
{
	_cleanup_free_ char *diff = request_words(call->request);

	return xasprintf("%s%s %s%s%s%sdiff --restore%s", call->caller->elevation,
		program_own_name(), call->caller->is_agent ? "--agent " : "",
		call->caller->is_agent ? call->caller->agent : "",
		call->caller->is_agent ? " " : "", call->settings_words, diff);
}

/* The patch, applied. What git apply creates is added to the index by the patch's own
 * list where there are too many names. */
static char *patch_words(const struct guard *guard, const char *git, bool by_names)
{
	_cleanup_free_ char *restore = restore_words(guard->call);

	if (by_names)
		return xasprintf("%s | %s apply --whitespace=nowarn", restore, git);
	return xasprintf(
		"p=$(mktemp); %s >\"$p\"; %s apply --whitespace=nowarn \"$p\" && "
		"%s apply --summary \"$p\" | sed -n 's/^ create mode [0-7]* //p' "
		"| %s --literal-pathspecs add -f -N --pathspec-from-file=-",
		restore, git, git, git);
}

/* undo: lines come in, and are not only taken out. */
static void say_command(const struct guard *guard, bool undo,
	const struct by_hand *by_hand, bool has_patch, const struct strv *added)
{
	const bool is_git = guard->call->configuration->is_git;
	_cleanup_free_ char *git = typed_git(guard->call->configuration);
	const bool by_names = !is_git || count_nameable(added) == added->len;
	_cleanup_free_ char *patch =
		has_patch ? patch_words(guard, git, by_names) : xstrdup("");
	_cleanup_strv_ struct strv paths = {0};
	_cleanup_free_ char *add = NULL;
	size_t len = 0;

	for (size_t i = 0; is_git && by_names && i < added->len; i++)
		strv_add(&paths, added->words[i]);
	if (is_git)
		find_untracked(&paths, guard, by_hand, added);
	len = count_nameable(&paths);
	add = add_words(git, &paths, len);
	if (has_patch || len)
		say("%s: %s%s%s",
			undo || !has_patch  ? "bring it in"
			: len || added->len ? "put it back"
					    : "take it out",
			patch, has_patch && len ? " && " : "", add);
	if (len < paths.len)
		say("then add the new files that the command does not name (%zu) to git: "
		    "see git status",
			paths.len - len);
}

void way_out_say(const struct guard *guard, bool undo)
{
	const struct guard_call *call = guard->call;
	_cleanup_by_hand_ struct by_hand by_hand = {0};
	_cleanup_strv_ struct strv added = {0};
	bool has_patch;

	if (call->configuration->kind == CONFIGURATION_COMMIT) {
		say("this flake is pinned to %s: name a commit with your work and theirs",
			call->configuration->revision);
		return;
	}
	has_patch = can_restore(&by_hand, &added, guard);
	say_command(guard, undo, &by_hand, has_patch, &added);
	by_hand_say(&by_hand, call, &guard->list[0]);
}

void way_out_say_allow(const struct guard_call *call, const char *undo, const char *redo)
{
	say("if it is meant to %s: %s%s%s%s%s%s%s%s %s", *undo ? "go" : "come back",
		call->caller->elevation, program_own_name(),
		*undo ? " --allow-undo " : "", undo, *redo ? " --allow-redo " : "", redo,
		*call->own_words ? " " : "", call->own_words, call->command);
}
