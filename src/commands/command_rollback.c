#include "commands/command.h"
#include "run/rollback.h"

static int rollback(const struct context *context)
{
	return run_rollback(context->settings, context->own,
		context->words->len ? context->words->words[0] : NULL,
		context->surroundings);
}

const struct command command_rollback = {
	.name = "rollback",
	.arguments = "[BUILD]",
	.help = "go back to the system of an older build",
	.operands_max = 1,
	.run = rollback,
};
