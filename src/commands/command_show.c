#include <inttypes.h>

#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "changes/describe.h"
#include "commands/command.h"
#include "commands/json.h"
#include "commands/reference.h"

/* The build before in the chain that has a snapshot to compare with. */
static int find_before(
	struct build *ret, struct ledger *ledger, const struct build *build)
{
	int found;

	*ret = (struct build){.parent = build->parent};
	do
		found = build_step_back(ret, ledger);
	while (found > 0 && !build_has_snapshot(ret));
	return found;
}

static int print_json(const struct build *build, const struct build *before,
	const struct path_changes *changes)
{
	json_t *answer = json_answer(), *paths = json_array();
	json_t *record = json_record(&build->record);

	json_object_update(answer, record);
	json_decref(record);
	json_object_set_new(answer, "compared_with",
		before ? json_integer((json_int_t)build_number(before)) : json_null());
	for (size_t i = 0; i < changes->len; i++)
		json_array_append_new(paths, json_path_change(&changes->list[i]));
	json_object_set_new(answer, "changes", paths);
	return json_print(answer);
}

static int print_text(const struct build *build, const struct build *before,
	const struct path_changes *changes, struct ledger *ledger, bool patch)
{
	for (size_t i = 0; i < build->record.len; i++) {
		const struct record_field *field = &build->record.fields[i];
		_cleanup_free_ char *value =
			text_clean(field->value, strlen(field->value));

		printf("%-22s %s\n", field->key, value);
	}
	if (before && !changes->len)
		printf("\nthe same configuration as build %" PRIu64 "\n",
			build_number(before));
	else if (before)
		printf("\nchanged since build %" PRIu64 ":\n", build_number(before));
	for (size_t i = 0; i < changes->len; i++)
		if (describe_path(stdout, &changes->list[i], ledger,
			    patch ? SHOW_PATCH : SHOW_STAT) < 0)
			return EXIT_OWN_FAILURE;
	return 0;
}

static int run(const struct context *context, int argc, char **argv)
{
	struct command_options options = {0};
	_cleanup_ledger_ struct ledger *ledger = NULL;
	_cleanup_build_ struct build build = {0}, before = {0};
	_cleanup_path_changes_ struct path_changes changes = {0};
	int operand = command_parse_options(&options, &command_show, "jp", argc, argv);
	int found = 0;

	if (operand < 0)
		return EXIT_USAGE;
	if (operand + 1 != argc)
		return command_usage(&command_show);
	ledger = reference_ledger(context->settings);
	if (!ledger ||
		reference_find(&build, ledger, context->settings, argv[operand]) < 0)
		return EXIT_OWN_FAILURE;
	if (build_has_snapshot(&build) && !build_is_running(&build))
		found = find_before(&before, ledger, &build);
	if (found < 0 || (found && tree_diff(&changes, ledger->repository, &before.tree,
					   &build.tree) < 0))
		return EXIT_OWN_FAILURE;
	if (options.json)
		return print_json(&build, found ? &before : NULL, &changes);
	return print_text(
		&build, found ? &before : NULL, &changes, ledger, options.patch);
}

const struct command command_show = {"show", "BUILD [--patch] [--json]",
	"one build: its record and what changed in it", run};
