#include "guard/way_out.h"

#include <ctype.h>
#include <limits.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "guard/restore.h"
#include "snapshot/stub.h"

/* Limits for the paths in one command, and for those to be edited by hand. */
#define ADDED_BYTES 1200
#define BY_HAND_SHOWN 8

static const char *sudo_of(const struct guard_call *call)
{
	return call->caller->uid ? call->caller->elevation : "";
}

/*
 * "git", and the directory if the caller is elsewhere. A configuration without git may
 * lie in some other repository: the ceiling keeps git apply from taking it for a part of
 * that. The caller frees.
 */
static char *git_there(const struct configuration *configuration)
{
	char option[] = "-C", here[PATH_MAX];
	_cleanup_free_ char *root = xstrdup(configuration->root);
	_cleanup_free_ char *parent = xstrdup(root), *ceiling = NULL, *quoted = NULL;
	char *words[] = {option, root, NULL}, *ceilings[] = {parent, NULL};
	const bool is_here = getcwd(here, sizeof(here)) && streq(here, root);

	*strrchr(parent, '/') = '\0';
	ceiling = text_shell_words(ceilings);
	quoted = text_shell_words(words);
	return xasprintf("%s%s%sgit%s%s",
		configuration->is_git ? "" : "GIT_CEILING_DIRECTORIES=",
		configuration->is_git ? "" : ceiling, configuration->is_git ? "" : " ",
		is_here ? "" : " ", is_here ? "" : quoted);
}

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
	const struct strv *by_hand, struct strv *paths, size_t *ret_left)
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
				finding->is_lost && !strv_has(by_hand, finding->path))
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
	struct strv *by_hand, struct strv *added, const struct guard *guard)
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

static void say_by_hand(const struct guard *guard, const struct strv *paths)
{
	for (size_t i = 0; i < paths->len && i < BY_HAND_SHOWN; i++) {
		char *words[] = {paths->words[i], NULL};
		_cleanup_free_ char *path = text_shell_words(words);
		_cleanup_free_ char *file = xasprintf(
			"%s/%s", guard->call->configuration->root, paths->words[i]);
		const char *moved =
			access(file, F_OK) < 0 ? ", or where it was moved to" : "";
		git_oid id; /* zero: nothing is live there */

		(void)!ledger_path_id(&id, guard->call->ledger,
			&guard->list[0].verdict.live, paths->words[i]);
		if (stub_is_at(guard->call->ledger->repository, &id))
			say("put %s back by hand: its content is not recorded (ask "
			    "whoever made it: %s)",
				path, guard->list[0].live.description);
		else if (guard->list[0].live.is_build && !git_oid_is_zero(&id))
			say("edit by hand, because your lines and theirs are mixed: "
			    "%s%s (what "
			    "is live: %ssafe-rebuild %sshow %s %s)",
				path, moved, sudo_of(guard->call),
				guard->call->settings_words, guard->list[0].live.name,
				path);
		else if (guard->list[0].live.is_build)
			say("remove %s by hand, and put your own lines elsewhere: others have "
			    "removed it",
				path);
		else
			say("edit by hand, because your lines and theirs are mixed: %s%s",
				path, moved);
	}
}

void way_out_say(const struct guard *guard, bool undo)
{
	const struct guard_call *call = guard->call;
	_cleanup_free_ char *git = git_there(call->configuration);
	_cleanup_free_ char *diff = request_words(call->request);
	_cleanup_free_ char *add = NULL;
	_cleanup_strv_ struct strv by_hand = {0}, paths = {0};
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
		say("%s: %ssafe-rebuild %s%s%s%sdiff --restore%s | %s apply "
		    "--whitespace=nowarn%s%s",
			undo   ? "bring it in"
			: *add ? "put it back"
			       : "take it out",
			sudo_of(call), call->caller->is_agent ? "--agent " : "",
			call->caller->is_agent ? call->caller->agent : "",
			call->caller->is_agent ? " " : "", call->settings_words, diff,
			git, *add ? " && " : "", add);
	else if (*add)
		say("bring it in: %s", add);
	if (left)
		say("then add the new files that the command does not name (%zu) to git: "
		    "see git status",
			left);
	say_by_hand(guard, &by_hand);
}

void way_out_say_allow(const struct guard_call *call, const char *undo, const char *redo)
{
	say("if it is meant to %s: %ssafe-rebuild%s%s%s%s%s%s %s",
		*undo ? "go" : "come back", sudo_of(call), *undo ? " --allow-undo " : "",
		undo, *redo ? " --allow-redo " : "", redo, *call->own_words ? " " : "",
		call->own_words, call->command);
}
