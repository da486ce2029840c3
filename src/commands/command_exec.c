#include "commands/command.h"
#include "run/run.h"

static int exec_command(const struct context *context)
{
	const struct strv *words = context->words;
	const size_t first = words->len && streq(words->words[0], "--") ? 1 : 0;
	_cleanup_strv_ struct strv rest = {0};

	if (first >= words->len || words->words[first][0] == '-')
		return command_usage(&command_exec);
	strv_add_all(&rest, words->words + first);
	return run_rebuild(
		context->settings, context->own, &rest, context->surroundings, true);
}

const struct command command_exec = {
	.name = "exec",
	.arguments = "-- COMMAND ...",
	.help = "any command under the same lock and queue",
	.passes_on = true,
	.run = exec_command,
};
