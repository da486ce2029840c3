#include "guard/by_hand.h"

#include <unistd.h>

#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "changes/changes.h"
#include "guard/typed.h"
#include "rebuild/program.h"

#define SHOWN 8

void by_hand_add(struct by_hand *by_hand, const char *path, enum by_hand_reason reason)
{
	for (size_t i = 0; i < by_hand->len; i++)
		if (streq(by_hand->list[i].path, path))
			return;
	*list_add(by_hand->list, by_hand->len) =
		(struct by_hand_path){xstrdup(path), reason};
}

bool by_hand_has(const struct by_hand *by_hand, const char *path)
{
	for (size_t i = 0; i < by_hand->len; i++)
		if (path_is_below(path, &by_hand->list[i].path, 1))
			return true;
	return false;
}

/* What is said of a path: its words for a shell, the live object there, and the command
 * that shows it, if live is a build that has something there. */
struct subject {
	char *path;
	git_oid id;
	char *show;
};

static struct subject subject_of(
	const char *path, const struct guard_call *call, const struct guarded *guarded)
{
	struct subject ret = {.path = typed_path(call->configuration, path)};

	(void)!ledger_path_id(&ret.id, call->ledger, &guarded->verdict.live, path);
	if (guarded->live.is_build && !git_oid_is_zero(&ret.id))
		ret.show = xasprintf("%s%s %sshow %s %s", call->caller->elevation,
			program_own_name(), call->settings_words, guarded->live.name,
			ret.path);
	return ret;
}

static void subject_free(struct subject *subject)
{
	free(subject->path);
	free(subject->show);
}
#define _cleanup_subject_ _cleanup_(subject_free)

static void say_edit(const struct by_hand_path *at, const struct subject *subject,
	const struct guard_call *call, const struct guarded *guarded)
{
	_cleanup_free_ char *file =
		xasprintf("%s/%s", call->configuration->root, at->path);
	const bool moved = at->reason == BY_HAND_MOVED || access(file, F_OK) < 0;

	if (guarded->live.is_build && !subject->show)
		say("remove %s by hand, and put your own lines elsewhere: others have "
		    "removed it",
			subject->path);
	else
		say("edit by hand, because %s: %s%s%s%s%s",
			at->reason == BY_HAND_MOVED ? "lines around theirs have moved"
						    : "your lines and theirs are mixed",
			subject->path, moved ? ", or where it was moved to" : "",
			subject->show ? " (what is live: " : "",
			subject->show ? subject->show : "", subject->show ? ")" : "");
}

static void say_submodule(
	const char *path, const struct guard_call *call, const struct guarded *guarded)
{
	_cleanup_free_ char *git = typed_git(call->configuration);
	_cleanup_free_ char *quoted = text_shell_word(path);

	if (call->configuration->submodules)
		say("bring it in: %s submodule update --init -- %s", git, quoted);
	else
		say("%s is a submodule, whose files the flake's reference leaves out: add "
		    "?submodules=1 to it, as build %s had it",
			quoted, guarded->live.name);
}

static void say_path(const struct by_hand_path *at, const struct guard_call *call,
	const struct guarded *guarded)
{
	_cleanup_subject_ struct subject subject = subject_of(at->path, call, guarded);

	switch (at->reason) {
	case BY_HAND_UNKNOWN:
		say("put %s back by hand: its content is not recorded (ask whoever made "
		    "it: %s)",
			subject.path, guarded->live.description);
		break;
	case BY_HAND_FILTERED:
		say("git's filter keeps a patch of %s from applying", subject.path);
		say("put it back: %s >%s", subject.show ? subject.show : "",
			subject.path);
		break;
	case BY_HAND_COMMIT:
		say("%s is at another commit than theirs, which git fetch there may have "
		    "to bring first",
			subject.path);
		say("put it back: git -C %s checkout %s", subject.path,
			git_oid_tostr_s(&subject.id));
		break;
	case BY_HAND_DRAFT:
		say("merge by hand, because a draft that git does not track has the name "
		    "of theirs, and then git add it: %s%s%s%s",
			subject.path, subject.show ? " (what is live: " : "",
			subject.show ? subject.show : "", subject.show ? ")" : "");
		break;
	case BY_HAND_SUBMODULE:
		say_submodule(at->path, call, guarded);
		break;
	default:
		say_edit(at, &subject, call, guarded);
	}
}

void by_hand_say(const struct by_hand *by_hand, const struct guard_call *call,
	const struct guarded *guarded)
{
	for (size_t i = 0; i < by_hand->len && i < SHOWN; i++)
		say_path(&by_hand->list[i], call, guarded);
	if (by_hand->len > SHOWN)
		say("and %zu more files by hand", by_hand->len - SHOWN);
}

void by_hand_free(struct by_hand *by_hand)
{
	for (size_t i = 0; i < by_hand->len; i++)
		free(by_hand->list[i].path);
	free(by_hand->list);
}
