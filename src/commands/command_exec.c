#include "base/strv.h"
#include "commands/command.h"
#include "run/run.h"

static int run(const struct context *context, int argc, char **argv)
{
	_cleanup_strv_ struct strv words = {0};
	int first = argc > 1 && streq(argv[1], "--") ? 2 : 1;

	if (first >= argc || *argv[first] == '-')
		return command_usage(&command_exec);
	for (int i = first; i < argc; i++)
		strv_add(&words, argv[i]);
	return run_any_command(
		context->settings, context->options, &words, context->surroundings);
}

const struct command command_exec = {
	"exec", "-- COMMAND ...", "any command under the same lock and queue", run};
