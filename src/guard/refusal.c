#include "guard/refusal.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>

#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "changes/describe.h"
#include "guard/restore.h"

/* So many paths are named, the rest is counted. */
#define PATHS_SHOWN 20
/* ... where something is refused: the way out has to follow soon. */
#define REFUSED_SHOWN 8
/* ... where it is told in one line. */
#define SUMMARY_SHOWN 3
#define PATH_SHOWN 150
#define TEXT_SHOWN 80
/* Of one path and build. */
#define LINES_NAMED 4
#define UNDONE_MAX 500

/* What findings about one path, of one build, have in common: said in one line. */
struct group {
	const struct finding *first;
	struct named {
		const struct finding *list[LINES_NAMED];
		size_t len; /* of all */
	} lost, returned;   /* lines */
};

struct groups {
	struct group *list;
	size_t len;
};

static bool belongs(const struct group *group, const struct finding *finding)
{
	return group->first->verdict == finding->verdict &&
	       group->first->build == finding->build &&
	       group->first->is_redo == finding->is_redo &&
	       group->first->kind == finding->kind &&
	       streq(group->first->path, finding->path) &&
	       (finding->kind == ITEM_LINE || group->first == finding);
}

static void add_line(struct named *lines, const struct finding *finding)
{
	if (lines->len < LINES_NAMED)
		lines->list[lines->len] = finding;
	lines->len++;
}

/* Those of one verdict, by path and build. */
static void group_findings(
	struct groups *ret, const struct verdict *verdict, enum item_verdict wanted)
{
	*ret = (struct groups){0};
	for (size_t i = 0; i < verdict->len; i++) {
		const struct finding *finding = &verdict->list[i];
		struct group *group = NULL;

		if (finding->verdict != wanted)
			continue;
		for (size_t j = ret->len; j-- > 0 && !group;)
			if (belongs(&ret->list[j], finding))
				group = &ret->list[j];
		if (!group) {
			ret->list = xgrow(ret->list, ret->len, sizeof(*ret->list));
			group = &ret->list[ret->len++];
			*group = (struct group){.first = finding};
		}
		add_line(finding->is_lost ? &group->lost : &group->returned, finding);
	}
}

/* "2 lines (line 14: "a"; line 15: "b")". */
static void put_named(
	struct strbuf *out, const struct named *lines, size_t shown, const char *more)
{
	_cleanup_free_ char *count = text_count(lines->len, "line");

	strbuf_printf(out, "%s%s (", count, more);
	for (size_t i = 0; i < lines->len && i < shown; i++) {
		const struct finding *finding = lines->list[i];
		_cleanup_free_ char *quoted = text_quote(finding->text, TEXT_SHOWN);

		strbuf_printf(out, "%sline %u: %s", i ? "; " : "", finding->line, quoted);
		if (finding->other) {
			_cleanup_free_ char *other =
				text_quote(finding->other, TEXT_SHOWN);

			strbuf_printf(out, ", it becomes %s", other);
		}
	}
	strbuf_puts(out, lines->len > shown ? "; ...)" : ")");
}

static void put_lines(struct strbuf *out, const struct group *group, size_t shown)
{
	if (group->lost.len) {
		strbuf_puts(out, "lacks ");
		put_named(out, &group->lost, shown, "");
	}
	if (group->returned.len) {
		strbuf_puts(out, group->lost.len ? ", has " : "has ");
		put_named(out, &group->returned, shown,
			group->first->is_redo ? " back that was rolled back"
					      : " back that it removed");
	}
}

static void put_change(struct strbuf *out, const struct group *group, size_t shown)
{
	const struct finding *first = group->first;

	if (first->whole_file && first->is_lost)
		strbuf_puts(out, "the file is missing");
	else if (first->whole_file)
		strbuf_puts(out, first->is_redo
					 ? "the file is back, which was rolled back"
					 : "the file is back, which it removed");
	else if (first->kind == ITEM_INPUT)
		strbuf_printf(out, "goes back: %s", first->other ? first->other : "?");
	else if (first->kind == ITEM_ENTRY)
		strbuf_puts(out, first->verdict == VERDICT_REFUSED
					 ? "its content or mode goes back"
					 : "its content or mode changes");
	else
		put_lines(out, group, shown);
}

static void put_owner(struct strbuf *out, const struct finding *finding)
{
	if (finding->build)
		strbuf_printf(out, " (build %" PRIu64 " by %s%s)", finding->build,
			finding->agent ? finding->agent : "?",
			finding->uncommitted ? ", uncommitted" : "");
	else if (finding->verdict == VERDICT_UNKNOWN)
		strbuf_puts(out, ", not known whose");
}

/* Says the groups of one verdict; returns how many there are. */
static size_t say_groups(const struct verdict *verdict, enum item_verdict wanted,
	const char *prefix, size_t shown)
{
	struct groups groups;
	size_t len;

	group_findings(&groups, verdict, wanted);
	len = groups.len + (wanted == VERDICT_REFUSED ? verdict->more : 0);
	for (size_t i = 0; i < groups.len && i < shown; i++) {
		const struct group *group = &groups.list[i];
		_cleanup_strbuf_ struct strbuf line = STRBUF_INIT;

		strbuf_printf(&line,
			"%.*s: ", (int)text_cut(group->first->path, PATH_SHOWN),
			group->first->path);
		put_change(&line, group, LINES_NAMED);
		put_owner(&line, group->first);
		say("%s%s", prefix, line.text);
	}
	if (len > shown)
		say("%sand %zu more", prefix, len - shown);
	free(groups.list);
	return len;
}

static void add_name(struct strv *names, const char *name)
{
	if (!strv_has(names, name))
		strv_add(names, name);
}

static void collect_names(struct strv *ret, const struct guard *guard, bool redo)
{
	for (size_t i = 0; i < guard->len; i++) {
		const struct guarded *guarded = &guard->list[i];

		if ((guarded->is_other_machine || guarded->verdict.more) && !redo)
			add_name(ret, guarded->live.name);
		for (size_t j = 0; j < guarded->verdict.len; j++) {
			const struct finding *finding = &guarded->verdict.list[j];
			_cleanup_free_ char *number =
				xasprintf("%" PRIu64, finding->build);

			if (finding->verdict == VERDICT_REFUSED &&
				finding->is_redo == redo)
				add_name(ret,
					finding->build ? number : guarded->live.name);
		}
	}
	strv_sort(ret);
}

char *refusal_names(const struct guard *guard, bool redo)
{
	_cleanup_strv_ struct strv names = {0};

	collect_names(&names, guard, redo);
	return strv_join(&names, ",");
}

bool refusal_is_allowed(const char *given, const char *names)
{
	_cleanup_strv_ struct strv words = {0};
	_cleanup_free_ char *sorted = NULL;

	strv_split(&words, given ? given : "", ", ");
	strv_sort(&words);
	sorted = strv_join(&words, ",");
	return streq(sorted, names);
}

static const char *sudo_of(const struct guard_call *call)
{
	return getuid() == 0 && call->caller->uid ? "sudo " : "";
}

/* How the configuration is named for "diff", as it was for the build. */
static char *diff_words(const struct guard_call *call)
{
	const struct request *request = call->request;
	struct strv words = {0};
	char *line;

	strv_add(&words, "diff");
	strv_add(&words, "--restore");
	if (request->flake) {
		strv_add(&words, "--flake");
		strv_add(&words, request->flake);
	}
	if (request->file && *request->file) {
		strv_add(&words, "--file");
		strv_add(&words, request->file);
	}
	if (request->attr && *request->attr) {
		strv_add(&words, "--attr");
		strv_add(&words, request->attr);
	}
	for (size_t i = 0; i < request->include_count; i++) {
		strv_add(&words, "-I");
		strv_add(&words, request->include[i]);
	}
	if (request->profile_name) {
		strv_add(&words, "-p");
		strv_add(&words, request->profile_name);
	}
	line = text_shell_words(words.words);
	strv_free(&words);
	return line;
}

/*
 * "git" and, where the caller stands elsewhere, the directory. What git does not track
 * may lie in a repository of something else, of which git apply would take it for a part.
 * The caller frees.
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

/* git apply does not tell git of the files that it makes, and a flake would not see them.
 */
static char *add_words(
	const struct guard *guard, const char *git, const struct strv *by_hand)
{
	_cleanup_strv_ struct strv paths = {0};
	_cleanup_free_ char *words = NULL;
	bool all = false;

	for (size_t i = 0; i < guard->len && guard->call->configuration->is_git; i++)
		for (size_t j = 0; j < guard->list[i].verdict.len; j++) {
			const struct finding *finding = &guard->list[i].verdict.list[j];

			if (finding->verdict != VERDICT_REFUSED || !finding->whole_file ||
				!finding->is_lost || strv_has(by_hand, finding->path))
				continue;
			add_name(&paths, finding->path);
			all = all || !is_printable(finding->path);
		}
	if (!paths.len)
		return xstrdup("");
	all = all || paths.len > PATHS_SHOWN;
	words = all ? xstrdup(".") : text_shell_words(paths.words);
	return xasprintf("%s --literal-pathspecs add -f -N -- %s", git, words);
}

/* Which files can be set right by a patch, and which only by hand. */
static bool can_restore(struct strv *by_hand, const struct guard *guard)
{
	bool ret = false;

	for (size_t i = 0; i < guard->len && !ret; i++) {
		const struct guarded *guarded = &guard->list[i];
		git_oid tree;

		if (guarded->verdict.len && !git_oid_is_zero(&guarded->verdict.live))
			ret = restore_tree(&tree, by_hand, &guarded->verdict) > 0;
	}
	return ret;
}

static void say_by_hand(const struct guard *guard, const struct strv *paths)
{
	for (size_t i = 0; i < paths->len && i < REFUSED_SHOWN; i++) {
		char *words[] = {paths->words[i], NULL};
		_cleanup_free_ char *path = text_shell_words(words);

		if (guard->list[0].live.is_build)
			say("edit by hand, because your lines and theirs are mixed: %s (what "
			    "is live: %ssafe-rebuild show %s %s)",
				path, sudo_of(guard->call), guard->list[0].live.name,
				path);
		else
			say("edit by hand, because your lines and theirs are mixed: %s",
				path);
	}
}

/* The way out that leaves nothing of anybody's behind. */
static void say_restore(const struct guard *guard, bool undo)
{
	const struct guard_call *call = guard->call;
	_cleanup_free_ char *git = git_there(call->configuration);
	_cleanup_free_ char *diff = diff_words(call);
	_cleanup_free_ char *add = NULL;
	_cleanup_strv_ struct strv by_hand = {0};
	bool has_patch;

	if (call->configuration->kind == CONFIGURATION_COMMIT) {
		say("this flake is pinned to %s: name a commit that has both",
			call->configuration->revision);
		return;
	}
	has_patch = can_restore(&by_hand, guard);
	add = add_words(guard, git, &by_hand);
	if (has_patch)
		say("%s: %ssafe-rebuild %s%s%s%s | %s apply --whitespace=nowarn%s%s",
			undo   ? "bring it in"
			: *add ? "put it back"
			       : "take it out",
			sudo_of(call), call->caller->is_agent ? "--agent " : "",
			call->caller->is_agent ? call->caller->agent : "",
			call->caller->is_agent ? " " : "", diff, git, *add ? " && " : "",
			add);
	else if (*add)
		say("bring it in: %s", add);
	say_by_hand(guard, &by_hand);
}

static void say_remedies(const struct guard *guard, const char *undo, const char *redo)
{
	const struct guard_call *call = guard->call;

	say_restore(guard, *undo);
	say("if it is meant to %s: %ssafe-rebuild%s%s%s%s%s%s %s",
		*undo ? "go" : "come back", sudo_of(call), *undo ? " --allow-undo " : "",
		undo, *redo ? " --allow-redo " : "", redo, *call->own_words ? " " : "",
		call->own_words, call->command);
}

static bool has_refused(const struct guarded *guarded, bool redo)
{
	for (size_t i = 0; i < guarded->verdict.len; i++)
		if (guarded->verdict.list[i].verdict == VERDICT_REFUSED &&
			guarded->verdict.list[i].is_redo == redo)
			return true;
	return false;
}

/* Where all of it is one build's work, that build, which need not be the last one. */
static bool find_endangered(struct build *ret, const struct guard *guard,
	const struct guarded *guarded, bool redo)
{
	uint64_t number = 0;

	for (size_t i = 0; i < guarded->verdict.len; i++) {
		const struct finding *finding = &guarded->verdict.list[i];

		if (finding->verdict != VERDICT_REFUSED || finding->is_redo != redo)
			continue;
		if (!finding->build || (number && finding->build != number))
			return false;
		number = finding->build;
	}
	return number && !guarded->verdict.more &&
	       build_by_number(ret, guard->call->ledger, number) > 0;
}

/* Who rolled it back, and when. */
static void put_rollback(
	struct strbuf *out, const struct guard *guard, const struct guarded *guarded)
{
	_cleanup_build_ struct build rollback = BUILD_INIT;
	_cleanup_free_ char *line = NULL;
	uint64_t number = 0;

	for (size_t i = 0; i < guarded->verdict.len && !number; i++)
		if (guarded->verdict.list[i].is_redo)
			number = guarded->verdict.list[i].rollback;
	if (number && build_by_number(&rollback, guard->call->ledger, number) > 0)
		line = describe_build(&rollback);
	strbuf_printf(out, "rolled back: %s",
		line ? line : "somebody went back outside safe-rebuild");
}

/* What would become of whose work: "would take away what is live: build 43 by ...". */
static void put_reason(
	struct strbuf *out, const struct guard *guard, const struct guarded *guarded)
{
	const bool redo = has_refused(guarded, true) && !has_refused(guarded, false) &&
			  !guarded->verdict.more;
	_cleanup_build_ struct build build = BUILD_INIT;
	_cleanup_free_ char *line = find_endangered(&build, guard, guarded, redo)
					    ? describe_build(&build)
					    : NULL;

	if (guarded->is_other_machine)
		strbuf_printf(out,
			"would put another machine's configuration in the place of '%s': "
			"%s",
			guarded->live.build.config, guarded->live.description);
	else if (redo)
		strbuf_printf(out, "would bring back what was rolled back: %s",
			line ? line : "the work of several builds");
	else
		strbuf_printf(out, "would take away what is %s: %s",
			guarded->is_running ? "being built" : "live",
			line ? line : guarded->live.description);
}

static void say_headline(const struct guard *guard, const struct guarded *guarded)
{
	_cleanup_strbuf_ struct strbuf reason = STRBUF_INIT, rollback = STRBUF_INIT;

	put_reason(&reason, guard, guarded);
	error("refused: this %s %s", guard->call->request->action_word, reason.text);
	if (!has_refused(guarded, true))
		return;
	put_rollback(&rollback, guard, guarded);
	say("  %s", rollback.text);
}

static void say_unknown(const struct guarded *guarded)
{
	if (guarded->verdict.is_unknown)
		say("%s: %s; its configuration is not known, so what this takes "
		    "away cannot be told",
			guarded->live.runs ? "running" : "next boot",
			guarded->live.description);
}

static int refuse(const struct guard *guard, const char *undo, const char *redo)
{
	const struct guard_call *call = guard->call;

	for (size_t i = 0; i < guard->len; i++) {
		say_unknown(&guard->list[i]);
		if (!guarded_refuses(&guard->list[i]))
			continue;
		say_headline(guard, &guard->list[i]);
		say_groups(&guard->list[i].verdict, VERDICT_REFUSED, "  ", REFUSED_SHOWN);
	}
	if (call->allow_undo && !refusal_is_allowed(call->allow_undo, undo))
		say("--allow-undo %s does not hold: what would be undone now is %s",
			call->allow_undo, *undo ? undo : "nothing");
	if (call->allow_redo && !refusal_is_allowed(call->allow_redo, redo))
		say("--allow-redo %s does not hold: what would come back now is %s",
			call->allow_redo, *redo ? redo : "nothing");
	say_remedies(guard, undo, redo);
	log_to_syslog("%s was refused: %s would undo %s%s%s", call->caller->agent,
		call->command, *undo ? undo : "nothing", *redo ? " and bring back " : "",
		redo);
	return EXIT_REFUSED;
}

static void note_paths(struct build *build, const struct guard *guard)
{
	_cleanup_strv_ struct strv paths = {0};

	for (size_t i = 0; i < guard->len; i++)
		for (size_t j = 0; j < guard->list[i].verdict.len; j++)
			if (guard->list[i].verdict.list[j].verdict == VERDICT_REFUSED)
				add_name(&paths, guard->list[i].verdict.list[j].path);
	if (!paths.len)
		return;
	set_string(&build->undone, text_shell_words(paths.words));
	build->undone[text_cut(build->undone, UNDONE_MAX)] = '\0';
}

static void note_allowed(struct build *build, const struct guard *guard, const char *undo,
	const char *redo)
{
	set_string(&build->allowed_undo, *undo ? xstrdup(undo) : NULL);
	set_string(&build->allowed_redo, *redo ? xstrdup(redo) : NULL);
	note_paths(build, guard);
}

static void note_refused(struct build *build, const struct guard *guard, const char *undo,
	const char *redo)
{
	_cleanup_strbuf_ struct strbuf why = STRBUF_INIT;

	if (*undo)
		strbuf_printf(&why, "would take away the work of %s", undo);
	if (*redo)
		strbuf_printf(&why, "%swould bring back the work of %s",
			*undo ? " and " : "", redo);
	set_string(&build->refused, strbuf_take(&why));
	note_paths(build, guard);
}

static void say_notes(const struct guarded *guarded)
{
	const struct verdict *verdict = &guarded->verdict;

	say_unknown(guarded);
	say_groups(verdict, VERDICT_IGNORED,
		"goes back, as [guard] ignore allows: ", PATHS_SHOWN);
	say_groups(verdict, VERDICT_OWN, "takes back your own work: ", PATHS_SHOWN);
	say_groups(verdict, VERDICT_REVERTED,
		"taken back by a commit that says so: ", PATHS_SHOWN);
	say_groups(verdict, VERDICT_UNKNOWN, "note: ", PATHS_SHOWN);
	say_groups(verdict, VERDICT_WARNING, "warning: ", PATHS_SHOWN);
}

/* A rollback goes to the generation before: what it takes back is what is live. */
static int decide_rollback(const struct guard *guard, struct build *build)
{
	const struct guard_call *call = guard->call;

	for (size_t i = 0; i < guard->len; i++) {
		const struct live *live = &guard->list[i].live;
		const bool foreign =
			!build_is_of_agent(&live->build, call->caller->agent);

		if (call->caller->is_agent && foreign &&
			call->settings->guard_undo == UNDO_REFUSE &&
			!refusal_is_allowed(call->allow_undo, live->name)) {
			error("refused: this rollback takes back what another has made "
			      "live: %s",
				live->description);
			say("if it is meant to go: %ssafe-rebuild --allow-undo %s%s%s "
			    "%s",
				sudo_of(call), live->name, *call->own_words ? " " : "",
				call->own_words, call->command);
			set_string(&build->refused,
				xasprintf("would take back the work of %s", live->name));
			return EXIT_REFUSED;
		}
		say("takes back %s", live->description);
	}
	return 0;
}

static void warn_allowed(
	const struct guard *guard, const struct guarded *guarded, const char *what)
{
	_cleanup_strbuf_ struct strbuf reason = STRBUF_INIT;

	put_reason(&reason, guard, guarded);
	warn("as %s says, this %s %s", what, guard->call->request->action_word,
		reason.text);
}

int refusal_decide(const struct guard *guard, struct build *build, bool arriving)
{
	const struct guard_call *call = guard->call;
	_cleanup_free_ char *undo = refusal_names(guard, false);
	_cleanup_free_ char *redo = refusal_names(guard, true);
	const bool allowed = refusal_is_allowed(call->allow_undo, undo) &&
			     refusal_is_allowed(call->allow_redo, redo);

	if (call->request->rollback)
		return arriving ? 0 : decide_rollback(guard, build);
	if (guard_refuses(guard) && !allowed && call->settings->guard_undo != UNDO_WARN) {
		note_refused(build, guard, undo, redo);
		return refuse(guard, undo, redo);
	}
	if (arriving)
		return 0;
	refusal_say_notes(guard);
	if (!guard_refuses(guard))
		return 0;
	for (size_t i = 0; i < guard->len; i++) {
		if (!guarded_refuses(&guard->list[i]))
			continue;
		warn_allowed(guard, &guard->list[i],
			allowed ? *undo ? "--allow-undo" : "--allow-redo"
				: "[guard] undo = warn");
		say_groups(&guard->list[i].verdict, VERDICT_REFUSED, "  ", REFUSED_SHOWN);
	}
	note_allowed(build, guard, undo, redo);
	return 0;
}

void refusal_put_summary(struct strbuf *out, const struct guard *guard)
{
	for (size_t i = 0; i < guard->len; i++) {
		const struct guarded *guarded = &guard->list[i];
		_cleanup_build_ struct build build = BUILD_INIT;
		struct groups groups;
		bool is_named;

		if (!guarded_refuses(guarded))
			continue;
		strbuf_puts(out, out->len ? "; it " : "it ");
		put_reason(out, guard, guarded);
		if (has_refused(guarded, true)) {
			strbuf_puts(out, "; ");
			put_rollback(out, guard, guarded);
		}
		is_named = find_endangered(&build, guard, guarded, false) ||
			   find_endangered(&build, guard, guarded, true);
		group_findings(&groups, &guarded->verdict, VERDICT_REFUSED);
		for (size_t j = 0; j < groups.len && j < SUMMARY_SHOWN; j++) {
			const struct finding *first = groups.list[j].first;

			strbuf_printf(out,
				"; %.*s: ", (int)text_cut(first->path, PATH_SHOWN),
				first->path);
			put_change(out, &groups.list[j], 1);
			if (!is_named || first->build != build.number)
				put_owner(out, first);
		}
		if (groups.len > SUMMARY_SHOWN)
			strbuf_printf(out, "; and %zu more", groups.len - SUMMARY_SHOWN);
		free(groups.list);
	}
}

void refusal_say_notes(const struct guard *guard)
{
	for (size_t i = 0; i < guard->len; i++)
		say_notes(&guard->list[i]);
}

void refusal_say_way_out(const struct guard *guard)
{
	_cleanup_free_ char *undo = refusal_names(guard, false);

	if (guard_refuses(guard))
		say_restore(guard, *undo);
}
