#include <inttypes.h>

#include "base/memory.h"
#include "base/message.h"
#include "changes/describe.h"
#include "commands/command.h"
#include "commands/json.h"
#include "commands/reference.h"

#define DEFAULT_COUNT 20

static void print_build(const struct build *build, json_t *list, bool json)
{
	_cleanup_free_ char *line = describe_build(&build->record);

	if (json)
		json_array_append_new(list, json_record(&build->record));
	else
		puts(line);
}

/* What is running first, then what has ended, newest first. */
static int print_builds(struct ledger *ledger, const struct command_options *options)
{
	_cleanup_build_ struct build build = {0};
	json_t *answer = json_answer(), *list = json_array();
	struct build *running;
	size_t running_len;
	int found;

	json_object_set_new(answer, "builds", list);
	found = builds_running(&running, &running_len, ledger);
	while (found == 0 && running_len > 0) {
		print_build(&running[--running_len], list, options->json);
		build_free(&running[running_len]);
	}
	if (found == 0)
		free(running);
	found = build_tip(&build, ledger);
	for (unsigned i = 0; found > 0 && i < options->count; i++) {
		print_build(&build, list, options->json);
		found = build_step_back(&build, ledger);
	}
	if (found >= 0 && options->json)
		return json_print(answer);
	json_decref(answer);
	return found < 0 ? EXIT_OWN_FAILURE : 0;
}

static int run(const struct context *context, int argc, char **argv)
{
	struct command_options options = {.count = DEFAULT_COUNT};
	_cleanup_ledger_ struct ledger *ledger = NULL;
	int operand = command_parse_options(&options, &command_log, "jn", argc, argv);

	if (operand < 0)
		return EXIT_USAGE;
	if (operand < argc)
		return command_usage(&command_log);
	if (ledger_open(&ledger, context->settings) < 0)
		return EXIT_OWN_FAILURE;
	if (ledger)
		return print_builds(ledger, &options);
	if (options.json) {
		json_t *answer = json_answer();

		json_object_set_new(answer, "builds", json_array());
		return json_print(answer);
	}
	say("nothing is recorded yet in '%s'", context->settings->state_path);
	return 0;
}

const struct command command_log = {"log", "[-n COUNT] [--json]",
	"the last builds: who, what, with which result", run};
