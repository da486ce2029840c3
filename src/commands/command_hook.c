#include <jansson.h>
#include <signal.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "caller/caller.h"
#include "changes/edits.h"
#include "commands/command.h"
#include "hook/mark.h"
#include "hook/news.h"
#include "hook/shell.h"
#include "hook/vendors.h"

/* The event of an edit contains the whole file. */
#define INPUT_MAX ((size_t)16 << 20)
#define MESSAGE_MAX 200
#define ANSWER_SECONDS 5

struct event {
	const struct vendor *vendor;
	json_t *json;
	const char *name, *tool;
	json_t *input; /* the tool's; NULL without a tool */
	char *agent;   /* whose event it is, as records name it */
};

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static void print_answer(const struct event *event, json_t *members)
{
	json_t *answer = json_object();

	json_object_set_new(members, "hookEventName", json_string(event->name));
	json_object_set_new(answer, "hookSpecificOutput", members);
	json_dumpf(answer, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
	putchar('\n');
	json_decref(answer);
}

/* The time limit to set for the call; 0: its own may stay. */
static int64_t longest_timeout(const struct event *event)
{
	const bool background =
		json_is_true(json_object_get(event->input, "run_in_background"));
	const int64_t longest = background && event->vendor->background_ms
					? event->vendor->background_ms
					: event->vendor->timeout_ms;
	const int64_t given =
		json_integer_value(json_object_get(event->input, "timeout"));

	return given < longest ? longest : 0;
}

static void rewrite_command(const struct event *event)
{
	const char *command = text_of(event->input, "command");
	const char *description = text_of(event->input, "description");
	const bool is_part = text_of(event->json, "agent_id");
	_cleanup_free_ char *message =
		description ? shell_plain_text(description, MESSAGE_MAX) : NULL;
	struct shell_rewrite rewrite = {
		.message = message,
		.agent = is_part || event->vendor->shell_lacks_session ? event->agent
								       : NULL,
		.session = event->agent,
	};
	_cleanup_free_ char *changed = command ? shell_rewrite(command, &rewrite) : NULL;
	const int64_t timeout = longest_timeout(event);
	json_t *input, *members;

	if (!changed && (!rewrite.waits || !timeout))
		return;
	input = json_copy(event->input);
	if (changed)
		json_object_set_new(input, "command", json_string(changed));
	if (timeout)
		json_object_set_new(input, "timeout", json_integer(timeout));
	members = json_object();
	if (event->vendor->has_to_allow)
		json_object_set_new(members, "permissionDecision", json_string("allow"));
	json_object_set_new(members, event->vendor->changed, input);
	print_answer(event, members);
}

static void tell_news(const struct event *event, const struct settings *settings)
{
	_cleanup_strbuf_ struct strbuf news = STRBUF_INIT;
	_cleanup_caller_ struct caller caller = {0};
	json_t *members;

	if (caller_identify(&caller, NULL) < 0)
		return;
	news_put(&news, settings, event->agent, caller.since);
	if (!news.len)
		return;
	if (news.text[news.len - 1] == '\n')
		news.text[--news.len] = '\0';
	members = json_object();
	json_object_set_new(members, "additionalContext", json_string(news.text));
	print_answer(event, members);
}

/* With links resolved, as builds name their configuration; if the file is gone, those of
 * its directory. The caller frees. */
static char *resolve(const struct event *event, const char *path)
{
	const char *directory = text_of(event->json, "cwd");
	_cleanup_free_ char *full = *path != '/' && directory
					    ? xasprintf("%s/%s", directory, path)
					    : xstrdup(path);
	_cleanup_free_ char *parent = xstrdup(full), *real = realpath(full, NULL);
	char *slash = strrchr(parent, '/');

	if (real || !slash)
		return real ? TAKE_PTR(real) : TAKE_PTR(full);
	*slash = '\0';
	real = realpath(parent, NULL);
	return real ? xasprintf("%s/%s", real, slash + 1) : TAKE_PTR(full);
}

/* Codex' patches name their files. */
static void add_patched(struct strv *paths, const struct event *event, const char *text)
{
	static const char *const marks[] = {"*** Add File: ", "*** Update File: ",
		"*** Delete File: ", "*** Move to: "};
	const char *at = text, *line;
	size_t len;

	while (text_next_line(&at, text + strlen(text), &line, &len)) {
		for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
			const size_t mark = strlen(marks[i]);
			_cleanup_free_ char *path = NULL;

			if (len <= mark || strncmp(line, marks[i], mark) != 0)
				continue;
			path = xstrndup(line + mark, len - mark);
			path[strcspn(path, "\r")] = '\0';
			strv_take(paths, resolve(event, path));
		}
	}
}

static void handle_edit(const struct event *event, const struct settings *settings)
{
	static const char *const texts[] = {"command", "input", "patch"};
	const char *path = text_of(event->input, "file_path");
	_cleanup_strv_ struct strv paths = {0};
	_cleanup_known_ struct known known = {0};

	/* Gemini tells of an edit that failed as well. */
	if (json_object_get(json_object_get(event->json, "tool_response"), "error"))
		return;
	if (!path)
		path = text_of(event->input, "notebook_path");
	if (path)
		strv_take(&paths, resolve(event, path));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (text_of(event->input, texts[i]))
			add_patched(&paths, event, text_of(event->input, texts[i]));
	/* known_read() comes first: it needs the user's own rights. */
	known_read(&known, settings);
	sharing_lower_rights(settings);
	known_update(&known, settings);
	for (size_t i = 0; i < paths.len; i++)
		if (known_has(&known, paths.words[i]) &&
			edits_note(settings, event->agent, paths.words[i]) < 0)
			warn_errno("hook: cannot note the edit of '%s'", paths.words[i]);
}

/* settings NULL: they are wrong, which has been said. */
static void handle(const struct event *event, const struct settings *settings)
{
	const struct vendor *vendor = event->vendor;

	if (streq(event->name, vendor->before)) {
		if (event->tool && streq(event->tool, vendor->shell))
			rewrite_command(event);
	} else if (streq(event->name, vendor->after)) {
		if (settings && text_is_among(event->tool, vendor->editors))
			handle_edit(event, settings);
	} else if (!text_is_among(event->name, vendor->contexts)) {
		error("hook: no answer to events of the kind '%s'", event->name);
	} else if (settings) {
		tell_news(event, settings);
	}
}

/* given: the name that the agent's environment gives it; NULL: none. */
static int read_event(struct event *event, const char *given)
{
	_cleanup_free_ char *text = NULL;
	const char *session, *part;
	json_error_t wrong;
	size_t len;

	if (read_to_end(STDIN_FILENO, INPUT_MAX, &text, &len) < 0)
		return error_errno("hook: cannot read the event");
	event->json = json_loadb(text, len, JSON_ALLOW_NUL, &wrong);
	if (!json_is_object(event->json))
		return error("hook: the event is not a JSON object: %s",
			event->json ? "something else" : wrong.text);
	event->name = text_of(event->json, "hook_event_name");
	if (!event->name)
		return error("hook: the event has no hook_event_name");
	event->tool = text_of(event->json, "tool_name");
	event->input = json_object_get(event->json, "tool_input");
	session = text_of(event->json, "session_id");
	part = text_of(event->json, "agent_id");
	if (part && event->vendor->part_is_session && !given) {
		session = part;
		part = NULL;
	}
	event->agent = caller_name_of_session(given ? given : event->vendor->agent,
		session && !given ? session : "", part);
	return 0;
}

static void give_up(int signal)
{
	static const char line[] =
		"safe-rebuild: hook: no whole event has come in time\n";

	(void)signal;
	(void)!write(STDERR_FILENO, line, strlen(line));
	_exit(0);
}

/* Whatever it waits for (an event without an end, a file system): an agent must not. */
static void limit_time(void)
{
	const struct sigaction action = {.sa_handler = give_up};

	sigaction(SIGALRM, &action, NULL);
	alarm(ANSWER_SECONDS);
}

/* An agent takes a failure of its hook for a reason not to run the command. */
static int hook(const struct context *context)
{
	struct event event = {0};

	event.vendor = context->words->len ? vendor_find(context->words->words[0]) : NULL;
	if (!event.vendor)
		return command_usage(&command_hook);
	limit_time();
	if (read_event(&event, context->own->agent) == 0 && event.name)
		handle(&event, context->settings);
	json_decref(event.json);
	free(event.agent);
	return 0;
}

const struct command command_hook = {
	.name = "hook",
	.arguments = "claude|codex|gemini|opencode",
	.help = "answer an agent's hook, whose event comes on stdin",
	.operands_max = 1,
	.run = hook,
};
