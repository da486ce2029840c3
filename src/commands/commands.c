#include <poll.h>
#include <signal.h>
#include <stddef.h>

#include "base/message.h"
#include "base/text.h"
#include "commands/command.h"

const struct command *const commands[] = {
	&command_status,
	&command_diff,
	&command_log,
	&command_show,
	&command_attach,
	&command_cancel,
	&command_exec,
	&command_rollback,
	&command_confirm,
	&command_pause,
	&command_resume,
	&command_hook,
	&command_agents,
	NULL,
};

#define AT(member) offsetof(struct command_options, member)

static const struct option all_options[] = {
	{"--json", NULL, NULL, NULL, option_set_flag, AT(json)},
	{"--patch", NULL, NULL, NULL, option_set_flag, AT(patch)},
	{"--output", NULL, NULL, NULL, option_set_flag, AT(output)},
	{"--exit-code", NULL, NULL, NULL, option_set_flag, AT(exit_code)},
	{"--restore", NULL, NULL, NULL, option_set_flag, AT(restore)},
	{"-n", "COUNT", NULL, NULL, option_set_number, AT(count)},
	{"--action", "WORD", NULL, NULL, option_set_text, AT(action)},
	{"--outcome", "WORD", NULL, NULL, option_set_text, AT(outcome)},
	{"--since", "WHEN", NULL, NULL, option_set_text, AT(since)},
	{"--refused", NULL, NULL, NULL, option_set_flag, AT(refused)},
	{"--path", "FILE", NULL, NULL, option_set_text, AT(path)},
	{"--for", "DURATION", NULL, NULL, option_set_text, AT(duration)},
	{"--take-back", NULL, NULL, NULL, option_set_flag, AT(take_back)},
	{"--md", NULL, NULL, NULL, option_set_flag, AT(md)},
	{"--check", NULL, NULL, NULL, option_set_flag, AT(check)},
	{"--install", "AGENT", NULL, NULL, option_set_text, AT(install)},
	{"--remove", "AGENT", NULL, NULL, option_set_text, AT(remove)},
	{"--user", NULL, NULL, NULL, option_set_flag, AT(user)},
	{"--project", NULL, NULL, NULL, option_set_flag, AT(project)},
	{"--managed", NULL, NULL, NULL, option_set_flag, AT(managed)},
	{"--opencode-plugin", NULL, NULL, NULL, option_set_flag, AT(opencode_plugin)},
};

static void command_options_free(struct command_options *options)
{
	free(options->action);
	free(options->outcome);
	free(options->since);
	free(options->duration);
	free(options->path);
	free(options->install);
	free(options->remove);
}

const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (streq(commands[i]->name, name))
			return commands[i];
	return NULL;
}

int command_usage(const struct command *command)
{
	return fail(EXIT_USAGE, "usage: safe-rebuild %s%s%s", command->name,
		*command->arguments ? " " : "", command->arguments);
}

/* Takes the command's options out of words, and refuses all other options. */
static int take_options(
	struct command_options *ret, const struct command *command, struct strv *words)
{
	struct option options[ARRAY_LEN(all_options)];
	_cleanup_strv_ struct strv names = strv_split(command->options, " ");
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_LEN(all_options); i++)
		if (strv_has(&names, all_options[i].name))
			options[len++] = all_options[i];
	if (options_take(ret, options, len, words, NULL) < 0)
		return EXIT_USAGE;
	if (command->passes_on)
		return 0;
	for (size_t i = 0; i < words->len; i++)
		if (words->words[i][0] == '-' && words->words[i][1])
			return fail(EXIT_USAGE,
				"%s has no option '%s' (usage: safe-rebuild %s %s)",
				command->name, words->words[i], command->name,
				command->arguments);
	return words->len > command->operands_max ? command_usage(command) : 0;
}

static bool asks_for_help(const struct strv *words)
{
	return words->len == 2 &&
	       (streq(words->words[1], "--help") || streq(words->words[1], "-h"));
}

static int run(const struct command *command, struct context *context,
	struct command_options *options, const struct strv *words)
{
	_cleanup_strv_ struct strv rest = {0};
	int status;

	if (asks_for_help(words)) {
		printf("safe-rebuild %s%s%s\n  %s\n", command->name,
			*command->arguments ? " " : "", command->arguments,
			command->help);
		return 0;
	}
	strv_add_all(&rest, words->words + 1);
	status = take_options(options, command, &rest);
	context->options = options;
	context->words = &rest;
	return status ? status : command->run(context);
}

json_t *json_path_change(const struct path_change *change)
{
	const char status = path_change_letter(change);

	return json_pack("{s:o, s:s%}", "path", json_text(change->path), "status",
		&status, (size_t)1);
}

static bool has_answered;

int json_print(json_t *answer)
{
	int result = json_dumpf(answer, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);

	has_answered = true;
	json_decref(answer);
	putchar('\n');
	/* Whether it could be written the caller says, for all answers. */
	return result == 0 || ferror(stdout) ? 0 : EXIT_OWN_FAILURE;
}

/* What was said on stderr last: {"schema": 1, "error": "...", "exit_status": 125}. */
static void json_print_error(int status)
{
	json_t *answer;

	if (has_answered)
		return;
	answer = json_answer();
	json_object_set_new(answer, "error", json_text(message_last_error()));
	json_object_set_new(answer, "exit_status", json_integer(status));
	(void)json_print(answer);
}

int command_run(
	const struct command *command, struct context *context, const struct strv *words)
{
	_cleanup_(command_options_free) struct command_options options = {0};
	struct pollfd reader = {.fd = STDOUT_FILENO};
	int status = run(command, context, &options, words);

	if (status >= EXIT_USAGE && command->options &&
		strstr(command->options, "--json") && strv_has(words, "--json"))
		json_print_error(status);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	/* "log | head" has what it wants. */
	if (poll(&reader, 1, 0) > 0 && reader.revents & POLLERR)
		return EXIT_SIGNAL_BASE + SIGPIPE;
	return fail_errno(EXIT_OWN_FAILURE, "cannot write the answer");
}

int command_enter(struct caller *ret, const struct context *context)
{
	if (caller_identify(ret, context->own->agent) < 0)
		return -1;
	sharing_lower_rights(context->settings);
	return 0;
}

struct ledger *command_ledger(const struct settings *settings)
{
	struct ledger *ledger;

	if (ledger_open(&ledger, settings) < 0)
		return NULL;
	if (!ledger)
		error("nothing is recorded yet in '%s'", settings->state_path);
	return ledger;
}

int command_print(const char *text, size_t len)
{
	_cleanup_strbuf_ struct strbuf clean = STRBUF_INIT;

	if (isatty(STDOUT_FILENO)) {
		text_put_lines(&clean, text, len);
		fwrite(clean.text, 1, clean.len, stdout);
	} else {
		fwrite(text, 1, len, stdout);
	}
	return 0;
}
