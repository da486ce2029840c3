#include "commands/command.h"
#include "run/rollback.h"

static int rollback(const struct context *context, const struct command_options *options,
	const struct strv *words)
{
	(void)options;
	return run_rollback(context->settings, context->options,
		words->len ? words->words[0] : NULL, context->surroundings);
}

const struct command command_rollback = {
	.name = "rollback",
	.arguments = "[BUILD]",
	.help = "go back to the system of an older build",
	.operands_max = 1,
	.run = rollback,
};
