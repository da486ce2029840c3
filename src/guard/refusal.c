#include "guard/refusal.h"

#include <inttypes.h>
#include <limits.h>

#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "guard/checkout.h"
#include "guard/repeat.h"

/* So many paths are named, the rest is counted. */
#define PATHS_SHOWN 20

void refusal_free(struct refusal *refusal)
{
	owners_free(refusal->owners, refusal->owners ? refusal->verdict->losses.len : 0);
	free(refusal->weights);
}

char *refusal_command(const struct guard_call *call, const char *name)
{
	return xasprintf("safe-rebuild --allow-undo %s %s", name, call->build->command);
}

static void put_lines(struct strbuf *out, const struct loss *loss)
{
	_cleanup_free_ char *added = text_count(loss->added, "line");
	_cleanup_free_ char *removed = text_count(loss->removed, "line");

	if (loss->added) {
		_cleanup_free_ char *quoted =
			text_quote(loss->text ? loss->text : "", 80);

		strbuf_printf(out, "lacks %s (line %" PRIu64 ": %s)", added, loss->line,
			quoted);
	}
	if (loss->removed)
		strbuf_printf(out, "%shas %s back that it removed",
			loss->added ? ", " : "", removed);
	if (!loss->added && !loss->removed)
		strbuf_printf(out, "lacks its change");
}

static void put_loss(struct strbuf *out, const struct loss *loss)
{
	switch (loss->kind) {
	case LOSS_LINES:
		put_lines(out, loss);
		return;
	case LOSS_FILE:
		strbuf_printf(out, "the file is missing");
		return;
	case LOSS_RETURNED:
		strbuf_printf(out, "the file is back, which it removed");
		return;
	case LOSS_INPUT:
		strbuf_printf(out, "goes back: %s", loss->text ? loss->text : "?");
		return;
	case LOSS_OTHER:
		strbuf_printf(out, "its content or mode goes back");
		return;
	case LOSS_FILTERED:
		strbuf_printf(out,
			"git filters it: whether what is not committed of it is here "
			"cannot be told");
		return;
	case LOSS_CONFLICT:
		strbuf_printf(out, "both changed the same lines, look at it");
		return;
	}
}

static char *describe_loss(const struct refusal *refusal, size_t index)
{
	const struct loss *loss = &refusal->verdict->losses.list[index];
	const struct owner *owner = &refusal->owners[index];
	struct strbuf out = STRBUF_INIT;

	strbuf_printf(&out, "%s: ", loss->path);
	put_loss(&out, loss);
	if (owner->agent)
		strbuf_printf(&out, " (build %" PRIu64 " by %s%s)", owner->build,
			owner->agent, loss->uncommitted ? ", uncommitted" : "");
	return strbuf_take(&out);
}

/* Those of one weight; returns how many there are. */
static size_t say_losses(
	const struct refusal *refusal, enum weight weight, const char *prefix)
{
	size_t count = 0;

	for (size_t i = 0; i < refusal->verdict->losses.len; i++) {
		_cleanup_free_ char *words = NULL;

		if (refusal->weights[i] != weight || count++ >= PATHS_SHOWN)
			continue;
		words = describe_loss(refusal, i);
		say("%s%s", prefix, words);
	}
	/* Of those that were too many to list, none is known to be harmless. */
	if (weight == WEIGHT_REFUSED)
		count += refusal->verdict->losses.more;
	if (count > PATHS_SHOWN)
		say("%sand %zu more", prefix, count - PATHS_SHOWN);
	return count;
}

/* "git" and, where the caller stands elsewhere, the checkout. The caller frees. */
static char *git_in_checkout(const struct refusal *refusal)
{
	const char *root = refusal->call->configuration->root;
	char here[PATH_MAX], directory_option[] = "-C",
			     *words[] = {directory_option, NULL, NULL};
	_cleanup_free_ char *copy = xstrdup(root), *quoted = NULL;

	if (getcwd(here, sizeof(here)) && streq(here, root))
		return xstrdup("git");
	words[1] = copy;
	quoted = text_shell_words(words);
	return xasprintf("git %s", quoted);
}

static bool loses_work(const struct refusal *refusal, bool uncommitted)
{
	for (size_t i = 0; i < refusal->verdict->losses.len; i++)
		if (refusal->weights[i] == WEIGHT_REFUSED &&
			refusal->verdict->losses.list[i].uncommitted == uncommitted)
			return true;
	return false;
}

/* How the committed part is brought in; false where no git command can. */
static bool say_merge(const struct refusal *refusal, const char *git)
{
	const struct live *live = refusal->live;
	const git_oid *id = live->is_build ? &live->build.config_commit : &live->revision;
	_cleanup_free_ char *other =
		live->is_build ? checkout_of_build(&live->build) : NULL;
	char text[OID_TEXT_SIZE];
	const char *commit = oid_text(text, id);

	if (git_oid_is_zero(id))
		return false;
	if (refusal->verdict->live_is_known) {
		say("bring it in: %s merge %s", git, commit);
		return true;
	}
	if (other) {
		char *words[] = {other, NULL};
		_cleanup_free_ char *quoted = text_shell_words(words);

		say("bring it in: %s fetch %s %s && %s merge FETCH_HEAD", git, quoted,
			commit, git);
		return true;
	}
	return false;
}

static void say_remedies(const struct refusal *refusal)
{
	const struct guard_call *call = refusal->call;
	const struct live *live = refusal->live;
	const char *sudo = geteuid() == 0 && call->caller->uid ? "sudo " : "";
	_cleanup_free_ char *git = git_in_checkout(refusal);
	_cleanup_free_ char *command = refusal_command(call, live->name);
	const bool merged = call->configuration->is_git && loses_work(refusal, false) &&
			    say_merge(refusal, git);
	const uint64_t since = merged ? 0 : refusal->verdict->ancestor_build;
	_cleanup_free_ char *base = since ? xasprintf(" --since %" PRIu64, since) : NULL;

	if (live->is_build && call->configuration->is_git &&
		(!merged || loses_work(refusal, true)))
		say("%s: %ssafe-rebuild show %s --patch%s | %s apply --3way",
			merged ? "and what is not committed" : "bring it in", sudo,
			live->name, base ? base : "", git);
	else if (live->is_build && !merged)
		say("what it was: %ssafe-rebuild show %s PATH", sudo, live->name);
	if (refusal->repeatable)
		say("if it is meant to go, call again: it stays in the record (%ssafe-rebuild "
		    "show %s)",
			sudo, live->name);
	else
		say("if it is meant to go: %s", command);
}

static int refuse(const struct refusal *refusal)
{
	const struct guard_call *call = refusal->call;

	error("refused: this %s would take away what is live: %s",
		call->request->action_word, refusal->live->description);
	say_losses(refusal, WEIGHT_REFUSED, "  ");
	if (call->allow_undo)
		say("--allow-undo %s does not hold: what would be undone now is %s",
			call->allow_undo, refusal->live->name);
	say_remedies(refusal);
	log_to_syslog("%s was refused: %s would take away %s", call->caller->agent,
		call->build->command, refusal->live->description);
	if (refusal->repeatable)
		repeat_remember(call, refusal->live);
	return EXIT_REFUSED;
}

int refusal_decide(const struct refusal *refusal)
{
	const struct guard_call *call = refusal->call;
	const char *why = NULL;

	say_losses(refusal, WEIGHT_IGNORED, "goes back, as [guard] ignore allows: ");
	say_losses(refusal, WEIGHT_OWN, "takes back your own work: ");
	say_losses(refusal, WEIGHT_WARNING, "warning: ");
	if (!refusal->refused)
		return 0;
	if (call->allow_undo && streq(call->allow_undo, refusal->live->name))
		why = "as --allow-undo says";
	else if (call->settings->guard_undo == UNDO_WARN)
		why = "as [guard] undo = warn says";
	else if (refusal->repeatable && repeat_is_one(call, refusal->live))
		why = "for the call was repeated";
	if (!why)
		return refuse(refusal);
	warn("takes away what is live, %s: %s", why, refusal->live->description);
	say_losses(refusal, WEIGHT_REFUSED, "  ");
	return 0;
}
