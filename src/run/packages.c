#include "run/packages.h"

#include "base/message.h"
#include "base/text.h"

#define DEADLINE_MS 5000
#define ANSWER_MAX ((size_t)1 << 20)
#define LINES_SHOWN 9
#define LINE_SHOWN 200

static void say_lines(const char *text)
{
	const char *at = text, *line;
	size_t len, lines = 0;

	while (text_next_line(&at, text + strlen(text), &line, &len)) {
		if (!len || lines++ >= LINES_SHOWN)
			continue;
		say("  %.*s", (int)(len > LINE_SHOWN ? LINE_SHOWN : len), line);
	}
	if (lines > LINES_SHOWN)
		say("  and %zu more", lines - LINES_SHOWN);
}

void packages_say(const struct run *run, const struct system_state *before,
	const struct system_state *after)
{
	const struct strv *command = &run->settings->show_packages;
	const bool boot = action_is_for_boot(run->request.action);
	const char *from = boot ? before->profile : before->running;
	const char *to = boot ? after->profile : after->running;
	_cleanup_strv_ struct strv argv = {0};
	_cleanup_free_ char *text = NULL;

	if (!command->len || !from || !to || streq(from, to) ||
		!action_changes_system(run->request.action))
		return;
	for (size_t i = 0; i < command->len; i++)
		strv_add(&argv, command->words[i]);
	strv_add(&argv, from);
	strv_add(&argv, to);
	text = child_output(argv.words, &run->surroundings, DEADLINE_MS, ANSWER_MAX);
	if (!text)
		warn("cannot tell what became of the packages: '%s' failed, or took "
		     "longer than %d s",
			command->words[0], DEADLINE_MS / 1000);
	else if (*text)
		say("packages:");
	if (text)
		say_lines(text);
}
