#include <errno.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/message.h"
#include "commands/command.h"
#include "queue/making.h"
#include "queue/pause.h"
#include "run/notice.h"

/* Agents share the machine; only a person may hold all of them up. */
static int enter(struct caller *ret, const struct context *context, const char *verb)
{
	_cleanup_target_ struct target target = target_by_name(context->settings, NULL);

	(void)!queue_make(context->settings, &target);
	if (command_enter(ret, context) < 0)
		return -1;
	if (ret->is_agent)
		return error("only a person can %s rebuilds", verb);
	return 0;
}

static int explain(const char *verb)
{
	/* A fresh machine has nothing yet, which only root can make. */
	const bool forbidden =
		errno == EACCES || errno == EPERM || (errno == ENOENT && getuid() != 0);

	error_errno("cannot %s rebuilds%s", verb, forbidden ? " (use sudo)" : "");
	return forbidden ? EXIT_NO_PERMISSION : EXIT_OWN_FAILURE;
}

static int pause_command(const struct context *context)
{
	const char *duration = context->options->duration;
	_cleanup_caller_ struct caller caller = {0};
	_cleanup_build_ struct build paused = BUILD_INIT;
	_cleanup_free_ char *words_of_it = NULL, *before = NULL;
	time_t until = 0;
	int64_t ms;

	if (duration) {
		if (!clock_parse_duration(duration, &ms) || !ms)
			return fail(EXIT_USAGE,
				"--for: '%s' is not a duration: 90s, 10m, 2h", duration);
		until = ms == FOREVER_MS ? 0 : time(NULL) + (time_t)(ms / 1000);
	}
	if (enter(&caller, context, "pause") < 0)
		return EXIT_NO_PERMISSION;
	before = pause_describe(context->settings);
	if (pause_set(context->settings, caller.agent, context->own->message, until) < 0)
		return explain("pause");
	paused.agent = xstrdup(caller.agent);
	paused.message = xstrdup(context->own->message);
	notice_send(context->settings, context->surroundings, "paused", &paused);
	words_of_it = pause_describe(context->settings);
	say("%s; a running build goes on (to end the pause: safe-rebuild resume)",
		words_of_it ? words_of_it : "paused");
	if (before)
		say("this replaces: %s", before);
	return 0;
}

const struct command command_pause = {
	.name = "pause",
	.arguments = "[--for DURATION] [--message WHY]",
	.help = "stop all rebuilds until somebody resumes them",
	.options = "--for",
	.run = pause_command,
};

static int resume(const struct context *context)
{
	_cleanup_caller_ struct caller caller = {0};
	_cleanup_free_ char *before = NULL;
	int ended;

	if (enter(&caller, context, "resume") < 0)
		return EXIT_NO_PERMISSION;
	before = pause_describe(context->settings);
	ended = pause_end(context->settings);
	if (ended < 0)
		return explain("resume");
	if (before)
		say("rebuilds can run again; they were %s", before);
	else
		say(ended ? "rebuilds can run again" : "nothing was paused");
	return 0;
}

const struct command command_resume = {
	.name = "resume",
	.arguments = "",
	.help = "end a pause",
	.run = resume,
};
