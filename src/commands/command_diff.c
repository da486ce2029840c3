#include <inttypes.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/message.h"
#include "changes/explain.h"
#include "changes/report.h"
#include "changes/tree_diff.h"
#include "commands/command.h"
#include "guard/guard.h"
#include "guard/refusal.h"
#include "guard/restore.h"
#include "ledger/builds.h"
#include "rebuild/target.h"
#include "run/remarks.h"

/* An agent sees 10,000 bytes. */
#define AGENT_LINES 100
#define AGENT_BYTES 8000

static json_t *paths_of(const struct changes *changes, const size_t *paths, size_t len)
{
	json_t *list = json_array();

	for (size_t i = 0; i < len; i++) {
		json_t *path = json_path_change(&changes->total.list[paths[i]]);

		if (changes->notes && changes->notes[paths[i]])
			json_object_set_new(
				path, "note", json_text(changes->notes[paths[i]]));
		json_array_append_new(list, path);
	}
	return list;
}

static int print_json(const struct changes *changes, const char *verdict, const char *why)
{
	json_t *answer = json_answer(), *builds = json_array();

	json_object_set_new(answer, "verdict", json_string(verdict));
	if (*why)
		json_object_set_new(answer, "why", json_text(why));
	json_object_set_new(answer, "base",
		changes->base_kind == BASE_NONE ? json_null()
						: json_build(&changes->base));
	for (size_t i = 0; i < changes->foreign_len; i++) {
		const struct foreign_build *foreign = &changes->foreign[i];
		json_t *build = json_build(&foreign->build);

		json_object_set_new(
			build, "commits", json_words(&foreign->commits.commits));
		json_object_set_new(build, "changes",
			paths_of(changes, foreign->paths, foreign->len));
		json_array_append_new(builds, build);
	}
	for (size_t i = changes->unseen.len; i-- > 0;)
		json_array_append_new(builds, json_build(&changes->unseen.list[i]));
	json_object_set_new(answer, "builds", builds);
	json_object_set_new(answer, "commits_not_built_yet",
		json_words(&changes->fresh_commits.commits));
	json_object_set_new(answer, "not_built_yet",
		paths_of(changes, changes->fresh, changes->fresh_len));
	return json_print(answer);
}

static int print_text(const struct changes *changes, struct ledger *ledger,
	enum show_changes show, bool agent, const struct request *request)
{
	_cleanup_free_ char *words = request_words(request);
	const struct report_options options = {.show = show,
		.lines = agent && show != SHOW_PATCH ? AGENT_LINES : SIZE_MAX,
		.bytes = agent && show != SHOW_PATCH ? AGENT_BYTES : SIZE_MAX,
		.words = words,
		.whole = true};
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;

	if (report_changes(&text, changes, ledger, &options) < 0)
		return EXIT_OWN_FAILURE;
	fwrite(text.text, 1, text.len, stdout);
	return 0;
}

/* What is compared, and with what. */
struct comparison {
	struct caller caller;
	struct request request;
	struct configuration configuration;
	struct target target;
	struct strv paths; /* relative to the configuration's root */
};

static void comparison_free(struct comparison *comparison)
{
	caller_free(&comparison->caller);
	configuration_free(&comparison->configuration);
	target_free(&comparison->target);
	strv_free(&comparison->paths);
}

/* The words after diff's own options choose the configuration as they do for a rebuild.
 */
static int find_configuration(struct comparison *comparison,
	const struct settings *settings, const struct strv *words)
{
	struct configuration *configuration = &comparison->configuration;

	request_parse(&comparison->request, words);
	if (comparison->request.unknown)
		return fail(EXIT_USAGE,
			"diff has no option '%s' (usage: safe-rebuild diff %s)",
			comparison->request.unknown, command_diff.arguments);
	configuration_find_here(configuration, &comparison->request);
	comparison->target = target_of_request(settings, &comparison->request);
	if (configuration->kind == CONFIGURATION_ELSEWHERE)
		return fail(EXIT_OWN_FAILURE,
			"there is nothing to compare: '%s': %s (name yours as for the "
			"build, such as: safe-rebuild diff --flake .)",
			configuration->name, configuration->why_elsewhere);
	for (size_t i = 0; i < comparison->request.operand_count; i++)
		strv_take(&comparison->paths, path_in_configuration(configuration->root,
						      comparison->request.operand[i]));
	return 0;
}

static int find_base(struct changes *ret, struct ledger *ledger,
	const struct context *context, const struct comparison *comparison)
{
	const char *since = context->options->since;
	time_t when;
	int found;

	if (!since)
		return changes_find_base(
			ret, ledger, &comparison->caller, comparison->target.name);
	ret->base_kind = BASE_GIVEN;
	if (clock_parse_when(&when, since)) {
		found = build_live_at(&ret->base, ledger, comparison->target.name, when);
		if (!found) {
			say("--since %s: nothing was recorded then, but since the oldest build:",
				since);
			found = changes_find_oldest(
				&ret->base, ledger, comparison->target.name);
		}
		if (found <= 0)
			return found < 0 ? -1 : error("nothing is recorded yet");
	} else if (build_by_name(&ret->base, ledger, context->settings, since) < 0) {
		return -1;
	}
	if (build_is_running(&ret->base))
		return error("build %" PRIu64 " has not ended yet", ret->base.number);
	if (!build_has_snapshot(&ret->base))
		return error("build %" PRIu64 " has no snapshot", ret->base.number);
	return 0;
}

static bool has_others(const struct changes *changes, const char *caller)
{
	for (size_t i = 0; i < changes->foreign_len; i++) {
		const struct foreign_build *foreign = &changes->foreign[i];

		/* The files of one that failed lie here. */
		if ((foreign->len || build_took_effect(&foreign->build)) &&
			!build_is_of_agent(&foreign->build, caller))
			return true;
	}
	for (size_t i = 0; i < changes->unseen.len; i++)
		if (build_took_effect(&changes->unseen.list[i]) &&
			!build_is_of_agent(&changes->unseen.list[i], caller))
			return true;
	return false;
}

/* A mistyped path has no changes, but that must not sound like good news. */
static bool paths_exist(const struct comparison *comparison,
	const struct changes *changes, const struct guard *guard)
{
	for (size_t i = 0; i < comparison->paths.len; i++) {
		const char *path = comparison->paths.words[i];
		_cleanup_free_ char *file =
			xasprintf("%s/%s", comparison->configuration.root, path);
		bool found = access(file, F_OK) == 0;

		for (size_t j = 0; !found && j < changes->total.len; j++)
			found = path_is_below(changes->total.list[j].path,
				&comparison->paths.words[i], 1);
		for (size_t j = 0; !found && j < guard->len; j++)
			for (size_t k = 0; !found && k < guard->list[j].verdict.len; k++)
				found = path_is_below(guard->list[j].verdict.list[k].path,
					&comparison->paths.words[i], 1);
		if (!found) {
			error("there is no '%s' here, and it has not changed (a build is "
			      "named by --since, its record is: safe-rebuild show BUILD)",
				path);
			return false;
		}
	}
	return true;
}

/* A patch for what lies in the directory now. */
static int restore(const struct guard *guard, const struct snapshot *snapshot)
{
	_cleanup_by_hand_ struct by_hand by_hand = {0};
	_cleanup_strv_ struct strv added = {0};
	int found = 0;

	for (size_t i = 0; i < guard->len && found == 0 && !by_hand.len; i++) {
		const struct guarded *guarded = &guard->list[i];
		_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
		git_oid tree;

		if (!guarded->verdict.len || git_oid_is_zero(&guarded->verdict.live))
			continue;
		found = restore_tree(&tree, &by_hand, &added, &guarded->verdict);
		if (found > 0 && (patch_make(&text, guard->call->ledger, &snapshot->tree,
					  &tree, NULL, 0) < 0 ||
					 command_print(text.text, text.len) != 0))
			return EXIT_OWN_FAILURE;
	}
	if (by_hand.len)
		by_hand_say(&by_hand, guard->call, &guard->list[0]);
	if (found == 0 && !by_hand.len)
		say("nothing that others have made live is missing here");
	if (found < 0)
		return EXIT_OWN_FAILURE;
	return by_hand.len ? EXIT_REFUSED : 0;
}

static void say_failed(const struct comparison *comparison, const struct guard_call *call)
{
	_cleanup_free_ char *text = remark_failed(call->ledger, call->target->name,
		"switch", comparison->configuration.name, &call->snapshot->tree);

	if (text)
		answer("%s", text);
}

/* Where the caller stands another configuration may lie, which a bare call does not mean.
 */
static void say_where(const struct configuration *configuration)
{
	const char *root = configuration->root;
	char here[PATH_MAX];
	const size_t len = root ? strlen(root) : 0;

	if (root && getcwd(here, sizeof(here)) &&
		(strncmp(here, root, len) != 0 || (here[len] && here[len] != '/')))
		say("this is about '%s'", configuration->name);
}

/* The verdict first, then the changes. */
static int tell(const struct comparison *comparison, const struct changes *changes,
	const struct guard *guard, const struct context *context)
{
	const struct command_options *options = context->options;
	_cleanup_strbuf_ struct strbuf why = STRBUF_INIT;
	int status;

	refusal_put_summary(&why, guard);
	if (options->json)
		return print_json(changes, guard_verdict_word(guard), why.text);
	if (guard_stops(guard))
		answer("a switch now would be refused: %s", why.text);
	else if (guard_refuses(guard))
		answer("a switch now would only warn ([guard] undo = warn): %s",
			why.text);
	else if (guard->is_unknown)
		answer("it is not known whether a switch now would take away what is "
		       "live");
	say_failed(comparison, guard->call);
	say_where(&comparison->configuration);
	snapshot_say_remarks(guard->call->snapshot);
	if (!guard_refuses(guard))
		refusal_say_notes(guard);
	status = print_text(changes, guard->call->ledger,
		options->patch ? SHOW_PATCH : context->settings->show_changes,
		comparison->caller.is_agent, &comparison->request);
	/* Keeps the order even if stdout and stderr are the same file. */
	fflush(stdout);
	refusal_say_way_out(guard);
	return status;
}

/* On a new machine. */
static int tell_nothing(const struct context *context)
{
	const struct changes none = {.base = BUILD_INIT};

	if (context->options->json)
		return print_json(&none, "passes", "");
	say("nothing is recorded yet in '%s'", context->settings->state_path);
	return 0;
}

static int compare(const struct context *context, struct comparison *comparison)
{
	const struct command_options *options = context->options;
	_cleanup_ledger_ struct ledger *ledger = NULL;
	_cleanup_snapshot_ struct snapshot snapshot = {0};
	_cleanup_changes_ struct changes changes = {.base = BUILD_INIT};
	_cleanup_guard_ struct guard guard = {0};
	struct guard_call call = {
		.settings = context->settings,
		.settings_words = context->own->settings_words,
		.caller = &comparison->caller,
		.target = &comparison->target,
		.request = &comparison->request,
		.configuration = &comparison->configuration,
		.snapshot = &snapshot,
	};
	_cleanup_edits_ struct edits edits = {0};
	int status;

	if (ledger_open(&ledger, context->settings) < 0)
		return EXIT_OWN_FAILURE;
	if (!ledger)
		return tell_nothing(context);
	call.ledger = ledger;
	if (snapshot_take(&snapshot, &comparison->configuration, context->settings,
		    ledger, false) < 0)
		return EXIT_OWN_FAILURE;
	comparison->request.action = ACTION_SWITCH;
	guard_judge(&guard, &call, true);
	if (options->restore)
		return restore(&guard, &snapshot);
	if (find_base(&changes, ledger, context, comparison) < 0 ||
		changes_compute(
			&changes, ledger, comparison->target.name, &snapshot.tree) < 0)
		return EXIT_OWN_FAILURE;
	edits_read(&edits, context->settings);
	changes_explain(&changes, ledger, &comparison->configuration, &snapshot, &edits);
	if (!paths_exist(comparison, &changes, &guard))
		return EXIT_USAGE;
	if (comparison->paths.len)
		changes_limit(&changes, comparison->paths.words, comparison->paths.len);
	status = tell(comparison, &changes, &guard, context);
	if (status || !options->exit_code)
		return status;
	if (guard_stops(&guard))
		return EXIT_REFUSED;
	return has_others(&changes, comparison->caller.agent) ? 1 : 0;
}

static int diff(const struct context *context)
{
	_cleanup_(comparison_free) struct comparison comparison = {0};
	_cleanup_strv_ struct strv theirs = {0};
	int status;

	strv_add(&theirs, "build");
	strv_add_all(&theirs, context->words->words);
	status = find_configuration(&comparison, context->settings, &theirs);
	if (status)
		return status;
	if (context->options->restore && context->options->patch)
		return fail(EXIT_USAGE, "one of --patch and --restore");
	if (context->options->restore && comparison.paths.len)
		return fail(EXIT_USAGE,
			"--restore takes no PATH: its patch is of all that a switch would be refused for (git "
			"apply --include=PATH takes a part)");
	if (command_enter(&comparison.caller, context) < 0)
		return EXIT_USAGE;
	return compare(context, &comparison);
}

const struct command command_diff = {
	.name = "diff",
	.arguments = "[--patch | --restore] [--since BUILD|WHEN] [--exit-code] [--json] "
		     "[--flake REF ...] [PATH ...]",
	.help = "what changed since my last build; needs no lock, no root",
	.options = "--patch --restore --since --exit-code --json",
	.passes_on = true,
	.run = diff,
};
