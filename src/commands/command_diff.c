#include <inttypes.h>

#include "base/memory.h"
#include "base/message.h"
#include "base/strv.h"
#include "changes/explain.h"
#include "changes/report.h"
#include "commands/command.h"
#include "commands/json.h"
#include "commands/paths.h"
#include "commands/reference.h"
#include "commands/scratch.h"
#include "queue/target.h"
#include "rebuild/configuration.h"
#include "snapshot/snapshot.h"

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

static json_t *commits_of(const struct commit_step *step)
{
	json_t *list = json_array();

	for (size_t i = 0; i < step->commits.len; i++)
		json_array_append_new(list, json_text(step->commits.words[i]));
	return list;
}

static int print_json(const struct changes *changes)
{
	json_t *answer = json_answer(), *builds = json_array();

	json_object_set_new(answer, "base",
		changes->base_kind == BASE_NONE ? json_null()
						: json_record(&changes->base.record));
	for (size_t i = 0; i < changes->foreign_len; i++) {
		const struct foreign_build *foreign = &changes->foreign[i];
		json_t *build = json_record(&foreign->build.record);

		json_object_set_new(build, "commits", commits_of(&foreign->commits));
		json_object_set_new(build, "changes",
			paths_of(changes, foreign->paths, foreign->len));
		json_array_append_new(builds, build);
	}
	json_object_set_new(answer, "builds", builds);
	json_object_set_new(
		answer, "commits_not_built_yet", commits_of(&changes->fresh_commits));
	json_object_set_new(answer, "not_built_yet",
		paths_of(changes, changes->fresh, changes->fresh_len));
	return json_print(answer);
}

static int print_text(
	const struct changes *changes, struct ledger *ledger, enum show_changes show)
{
	const struct report_options options = {
		.show = show, .lines = SIZE_MAX, .whole = true};

	return report_changes(stdout, changes, ledger, &options) < 0 ? EXIT_OWN_FAILURE
								     : 0;
}

/* What is compared, and with what. */
struct comparison {
	struct command_options options;
	const char *since; /* a reference; NULL: the caller's own last build */
	bool exit_code;
	struct caller caller;
	struct request request;
	struct configuration configuration;
	char *target;
	struct strv paths; /* relative to the configuration's root */
};

static void comparison_free(struct comparison *comparison)
{
	caller_free(&comparison->caller);
	configuration_free(&comparison->configuration);
	free(comparison->target);
	strv_free(&comparison->paths);
}

/* The words after diff's own options choose the configuration as they do for a rebuild.
 */
static int find_configuration(struct comparison *comparison, const struct strv *words)
{
	struct configuration *configuration = &comparison->configuration;

	request_parse(&comparison->request, words);
	configuration_find_here(configuration, &comparison->request);
	comparison->target = target_name(&comparison->request);
	if (configuration->kind == CONFIGURATION_ELSEWHERE)
		return error(
			"there is nothing to compare: '%s': %s (name yours as for the build, "
			"such as: safe-rebuild diff --flake .)",
			configuration->name, configuration->why_elsewhere);
	for (size_t i = 0; i < comparison->request.operand_count; i++)
		strv_take(&comparison->paths, path_in_configuration(configuration->root,
						      comparison->request.operand[i]));
	return 0;
}

static int find_base(struct changes *ret, struct ledger *ledger,
	const struct context *context, const struct comparison *comparison)
{
	if (!comparison->since)
		return changes_find_base(
			ret, ledger, &comparison->caller, comparison->target);
	ret->base_kind = BASE_GIVEN;
	if (reference_find(&ret->base, ledger, context->settings, comparison->since) < 0)
		return -1;
	if (build_is_running(&ret->base))
		return error(
			"build %" PRIu64 " has not ended yet", build_number(&ret->base));
	if (!build_has_snapshot(&ret->base))
		return error(
			"build %" PRIu64 " has no snapshot", build_number(&ret->base));
	return 0;
}

static bool has_others(const struct changes *changes, const char *caller)
{
	for (size_t i = 0; i < changes->foreign_len; i++) {
		const char *agent =
			record_get(&changes->foreign[i].build.record, "Agent");

		if (changes->foreign[i].len && agent && !streq(agent, caller))
			return true;
	}
	return false;
}

static int compare(const struct context *context, const struct comparison *comparison)
{
	_cleanup_ledger_ struct ledger *ledger = reference_ledger(context->settings);
	_cleanup_scratch_ struct scratch scratch = {0};
	_cleanup_snapshot_ struct snapshot snapshot = {0};
	_cleanup_changes_ struct changes changes = {0};
	int status;

	if (!ledger || find_base(&changes, ledger, context, comparison) < 0 ||
		scratch_make(&scratch, ledger) < 0 ||
		snapshot_take(&snapshot, &comparison->configuration, context->settings,
			scratch.path) < 0 ||
		changes_compute(&changes, ledger, comparison->target, &snapshot.tree) < 0)
		return EXIT_OWN_FAILURE;
	changes_explain(&changes, ledger, &comparison->configuration, &snapshot);
	if (comparison->paths.len)
		changes_limit(&changes, comparison->paths.words, comparison->paths.len);
	status = comparison->options.json
			 ? print_json(&changes)
			 : print_text(&changes, ledger,
				   comparison->options.patch
					   ? SHOW_PATCH
					   : context->settings->show_changes);
	return !status && comparison->exit_code &&
			       has_others(&changes, comparison->caller.agent)
		       ? 1
		       : status;
}

static int run(const struct context *context, int argc, char **argv)
{
	_cleanup_(comparison_free) struct comparison comparison = {0};
	_cleanup_strv_ struct strv theirs = {0};

	strv_add(&theirs, "build");
	for (int i = 1; i < argc; i++) {
		if (streq(argv[i], "--json"))
			comparison.options.json = true;
		else if (streq(argv[i], "--patch"))
			comparison.options.patch = true;
		else if (streq(argv[i], "--exit-code"))
			comparison.exit_code = true;
		else if (streq(argv[i], "--since") && i + 1 == argc)
			return command_usage(&command_diff);
		else if (streq(argv[i], "--since"))
			comparison.since = argv[++i];
		else if (starts_with(argv[i], "--since="))
			comparison.since = argv[i] + strlen("--since=");
		else
			strv_add(&theirs, argv[i]);
	}
	if (caller_identify(&comparison.caller, context->options->agent) < 0)
		return EXIT_USAGE;
	if (find_configuration(&comparison, &theirs) < 0)
		return EXIT_OWN_FAILURE;
	return compare(context, &comparison);
}

const struct command command_diff = {"diff",
	"[--patch] [--since BUILD] [--exit-code] [--json] [--flake REF ...] [PATH ...]",
	"what changed since my last build; needs no lock, no root", run};
