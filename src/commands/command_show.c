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

/* What is asked for most comes first; the rest as it was recorded. */
static const char *const first_keys[] = {
	"Build", "Outcome", "Agent", "Action", "Message"};
/* Nobody's question. */
static const char *const hidden_keys[] = {"Environment", "Numbers-Given", "Stdout",
	"Stdout-Size", "Ticket", "Tree-With-Lock-File"};

static bool is_among(const char *key, const char *const *keys, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (streq(keys[i], key))
			return true;
	return false;
}

static void print_field(const char *key, const char *value)
{
	_cleanup_free_ char *clean = text_clean(value, strlen(value));

	printf("%-22s %s\n", key, clean);
}

static void print_record(const struct record *record)
{
	for (size_t i = 0; i < ARRAY_LEN(first_keys); i++)
		if (record_get(record, first_keys[i]))
			print_field(first_keys[i], record_get(record, first_keys[i]));
	for (size_t i = 0; i < record->len; i++)
		if (!is_among(record->fields[i].key, first_keys, ARRAY_LEN(first_keys)) &&
			!is_among(record->fields[i].key, hidden_keys,
				ARRAY_LEN(hidden_keys)))
			print_field(record->fields[i].key, record->fields[i].value);
}

static int print_text(const struct build *build, const struct build *before,
	const struct path_changes *changes, struct ledger *ledger, bool patch)
{
	print_record(&build->record);
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
