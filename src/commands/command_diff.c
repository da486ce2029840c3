#include <inttypes.h>
#include <limits.h>

#include "base/memory.h"
#include "base/message.h"
#include "changes/describe.h"
#include "commands/command.h"
#include "commands/json.h"
#include "commands/reference.h"
#include "commands/scratch.h"
#include "queue/target.h"
#include "rebuild/configuration.h"
#include "snapshot/snapshot.h"

static json_t *paths_of(const struct changes *changes, const size_t *paths, size_t len)
{
	json_t *list = json_array();

	for (size_t i = 0; i < len; i++)
		json_array_append_new(
			list, json_path_change(&changes->total.list[paths[i]]));
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

		json_object_set_new(build, "changes",
			paths_of(changes, foreign->paths, foreign->len));
		json_array_append_new(builds, build);
	}
	json_object_set_new(answer, "builds", builds);
	json_object_set_new(answer, "not_built_yet",
		paths_of(changes, changes->fresh, changes->fresh_len));
	return json_print(answer);
}

static int print_text(
	const struct changes *changes, struct ledger *ledger, enum show_changes show)
{
	const struct describe_options options = {
		.show = show, .lines = SIZE_MAX, .whole = true};

	return describe_changes(stdout, changes, ledger, &options) < 0 ? EXIT_OWN_FAILURE
								       : 0;
}

/* The words after diff's own options choose the configuration as they do for a rebuild.
 */
static int find_configuration(
	struct configuration *ret, char **target, int argc, char **argv)
{
	_cleanup_strv_ struct strv words = {0};
	struct request request;

	strv_add(&words, "build");
	for (int i = 0; i < argc; i++)
		strv_add(&words, argv[i]);
	request_parse(&request, &words);
	configuration_find(ret, &request);
	*target = target_name(&request);
	if (ret->kind == CONFIGURATION_ELSEWHERE)
		return error(
			"there is nothing to compare: '%s': %s (name yours as for the build, "
			"such as: safe-rebuild diff --flake .)",
			ret->name, ret->why_elsewhere);
	return 0;
}

static int compare(const struct context *context, const struct command_options *options,
	const struct configuration *configuration, const char *target)
{
	_cleanup_caller_ struct caller caller = {0};
	_cleanup_ledger_ struct ledger *ledger = reference_ledger(context->settings);
	_cleanup_scratch_ struct scratch scratch = {0};
	_cleanup_snapshot_ struct snapshot snapshot = {0};
	_cleanup_changes_ struct changes changes = {0};

	if (!ledger || caller_identify(&caller, context->options->agent) < 0 ||
		scratch_make(&scratch, ledger) < 0 ||
		snapshot_take(&snapshot, configuration, context->settings, scratch.path) <
			0 ||
		changes_find_base(&changes, ledger, &caller, target) < 0 ||
		changes_compute(&changes, ledger, target, &snapshot.tree) < 0)
		return EXIT_OWN_FAILURE;
	if (options->json)
		return print_json(&changes);
	return print_text(&changes, ledger,
		options->patch ? SHOW_PATCH : context->settings->show_changes);
}

static int run(const struct context *context, int argc, char **argv)
{
	struct command_options options = {0};
	_cleanup_configuration_ struct configuration configuration = {0};
	_cleanup_strv_ struct strv theirs = {0};
	_cleanup_free_ char *target = NULL;

	for (int i = 1; i < argc; i++) {
		if (streq(argv[i], "--json"))
			options.json = true;
		else if (streq(argv[i], "--patch"))
			options.patch = true;
		else
			strv_add(&theirs, argv[i]);
	}
	if (find_configuration(&configuration, &target, (int)theirs.len, theirs.words) <
		0)
		return EXIT_OWN_FAILURE;
	return compare(context, &options, &configuration, target);
}

const struct command command_diff = {"diff", "[--patch] [--json] [--flake REF ...]",
	"what changed since my last build; needs no lock, no root", run};
