#include "hook/install.h"

#include <unistd.h>

#include "base/memory.h"
#include "base/message.h"
#include "base/strv.h"
#include "hook/plugin.h"
#include "hook/settings_file.h"
#include "ledger/git.h"

/* In seconds, for Gemini in milliseconds. Our hook takes hundredths of a second. */
#define TIMEOUT 10

char *install_path(const struct vendor *vendor, enum install_place place)
{
	const char *home = getenv("HOME"), *path = vendor->paths[place];
	const char *moved = vendor->variable ? getenv(vendor->variable) : NULL;

	if (!path || *path != '~')
		return xstrdup(path);
	if (moved && *moved == '/')
		return xasprintf("%s%s", moved, path + strlen(vendor->home));
	return home && *home == '/' ? xasprintf("%s%s", home, path + 1) : NULL;
}

static char *hook_command(const char *agent)
{
	return xasprintf("safe-rebuild hook %s", agent);
}

/* A JSON object; NULL (printed) if the text is none. */
static json_t *parse(const char *text, const char *path)
{
	json_error_t wrong = {0};
	json_t *settings = text[strspn(text, " \t\r\n")]
				   ? json_loads(text, JSON_REJECT_DUPLICATES, &wrong)
				   : json_object();

	if (json_is_object(settings))
		return settings;
	error("'%s' line %d is not plain JSON (%s): edit the hooks by hand, see "
	      "safe-rebuild-agents(7)",
		path, settings ? 1 : wrong.line, settings ? "not an object" : wrong.text);
	json_decref(settings);
	return NULL;
}

static struct strv command_words(const char *command)
{
	return strv_split(command, " \t\"'");
}

/* The words that a hook runs: its command, and its arguments where those stand apart. */
static struct strv hook_words(const json_t *hook)
{
	const char *command = json_string_value(json_object_get(hook, "command"));
	struct strv words = command_words(command);
	size_t i;
	json_t *argument;

	json_array_foreach(
		json_object_get(hook, "args"), i, argument) if (json_is_string(argument))
		strv_add(&words, json_string_value(argument));
	return words;
}

static bool are_ours(const struct strv *words, const char *agent)
{
	for (size_t i = 0; i + 2 < words->len; i++)
		if ((streq(words->words[i], "safe-rebuild") ||
			    ends_with(words->words[i], "/safe-rebuild")) &&
			streq(words->words[i + 1], "hook") &&
			streq(words->words[i + 2], agent))
			return true;
	return false;
}

bool install_is_ours(const json_t *hook, const char *agent)
{
	_cleanup_strv_ struct strv words = hook_words(hook);

	return are_ours(&words, agent);
}

bool install_is_our_command(const char *command, const char *agent)
{
	_cleanup_strv_ struct strv words = command_words(command);

	return are_ours(&words, agent);
}

/* Removes our hooks, and groups that had only ours. */
static void remove_from_groups(json_t *groups, const char *agent)
{
	for (size_t i = json_array_size(groups); i-- > 0;) {
		json_t *hooks = json_object_get(json_array_get(groups, i), "hooks");
		const size_t before = json_array_size(hooks);

		for (size_t j = before; j-- > 0;)
			if (install_is_ours(json_array_get(hooks, j), agent))
				json_array_remove(hooks, j);
		if (before && !json_array_size(hooks))
			json_array_remove(groups, i);
	}
}

static void remove_ours(json_t *settings, const char *agent)
{
	json_t *hooks = json_object_get(settings, "hooks"), *groups;
	const char *event;
	void *next;

	json_object_foreach_safe(hooks, next, event, groups)
	{
		const size_t before = json_array_size(groups);

		remove_from_groups(groups, agent);
		if (before && !json_array_size(groups))
			json_object_del(hooks, event);
	}
	if (hooks && json_is_object(hooks) && !json_object_size(hooks))
		json_object_del(settings, "hooks");
}

/* The key's value, made if missing; NULL if it is of another type. */
static json_t *member(json_t *object, const char *key, json_t *(*make)(void))
{
	json_t *value = json_object_get(object, key), *fresh = make();

	if (!value) {
		json_object_set_new(object, key, fresh);
		return fresh;
	}
	if (json_typeof(value) != json_typeof(fresh))
		value = NULL;
	json_decref(fresh);
	return value;
}

/* matcher: a pattern for names of tools; NULL: the event has none. */
static int add_group(json_t *hooks, const struct vendor *vendor, const char *event,
	const char *matcher, const char *path)
{
	_cleanup_free_ char *command = hook_command(vendor->name);
	json_t *groups = hooks ? member(hooks, event, json_array) : NULL, *group;

	if (!groups)
		return error("'%s': \"hooks\" has a form that %s cannot read", path,
			vendor->name);
	group = json_object();
	if (matcher)
		json_object_set_new(group, "matcher", json_string(matcher));
	json_object_set_new(group, "hooks",
		json_pack("[{s:s, s:s, s:i}]", "type", "command", "command", command,
			"timeout",
			streq(vendor->name, "gemini") ? TIMEOUT * 1000 : TIMEOUT));
	json_array_append_new(groups, group);
	return 0;
}

static char *editors_of(const struct vendor *vendor)
{
	struct strbuf ret = STRBUF_INIT;

	for (size_t i = 0; vendor->editors[i]; i++)
		strbuf_printf(&ret, "%s%s", i ? "|" : "", vendor->editors[i]);
	return strbuf_take(&ret);
}

static int add_ours(json_t *settings, const struct vendor *vendor, const char *path)
{
	json_t *hooks = member(settings, "hooks", json_object);
	_cleanup_free_ char *editors = editors_of(vendor);

	if (add_group(hooks, vendor, vendor->before, vendor->shell, path) < 0 ||
		add_group(hooks, vendor, vendor->after, editors, path) < 0)
		return -1;
	for (const char *const *event = vendor->contexts; *event; event++)
		if (add_group(hooks, vendor, *event, NULL, path) < 0)
			return -1;
	return 0;
}

/* Whether the event has one hook of ours, for this matcher. */
static bool has_one(const json_t *settings, const struct vendor *vendor,
	const char *event, const char *matcher)
{
	const json_t *groups = json_object_get(json_object_get(settings, "hooks"), event);
	_cleanup_free_ char *command = hook_command(vendor->name);
	size_t found = 0, fitting = 0;

	for (size_t i = 0; i < json_array_size(groups); i++) {
		const json_t *group = json_array_get(groups, i);
		const json_t *hooks = json_object_get(group, "hooks");
		const char *its = json_string_value(json_object_get(group, "matcher"));

		for (size_t j = 0; j < json_array_size(hooks); j++) {
			const json_t *hook = json_array_get(hooks, j);

			if (!install_is_ours(hook, vendor->name))
				continue;
			found++;
			fitting += streq(its ? its : "", matcher ? matcher : "") &&
				   streq(command, json_string_value(json_object_get(
							  hook, "command")));
		}
	}
	return found == 1 && fitting == 1;
}

/* Then they stay where they are: Codex trusts hooks by their places. */
static bool has_all_ours(const json_t *settings, const struct vendor *vendor)
{
	_cleanup_free_ char *editors = editors_of(vendor);

	for (const char *const *event = vendor->contexts; *event; event++)
		if (!has_one(settings, vendor, *event, NULL))
			return false;
	return has_one(settings, vendor, vendor->before, vendor->shell) &&
	       has_one(settings, vendor, vendor->after, editors);
}

/* The file's new content; "": no file. NULL (printed) on error. */
static char *changed(
	const char *text, const struct vendor *vendor, const char *path, bool remove)
{
	json_t *settings, *before;
	char *lines = NULL;

	if (vendor->has_plugin && *text && !plugin_is_ours(text)) {
		error("'%s' is not ours: move it away, or see safe-rebuild-agents(7)",
			path);
		return NULL;
	}
	if (vendor->has_plugin)
		return xstrdup(remove ? "" : opencode_plugin);
	settings = parse(text, path);
	if (!settings)
		return NULL;
	if (!remove && has_all_ours(settings, vendor)) {
		json_decref(settings);
		return xstrdup(text);
	}
	before = json_deep_copy(settings);
	remove_ours(settings, vendor->name);
	if (remove || add_ours(settings, vendor, path) == 0) {
		if (json_equal(before, settings))
			lines = xstrdup(text);
		else if (remove && !json_object_size(settings))
			lines = xstrdup("");
		else
			lines = settings_file_format(settings, text);
	}
	json_decref(before);
	json_decref(settings);
	return lines;
}

static int put_diff(
	struct strbuf *diff, const char *path, const char *before, const char *after)
{
	_cleanup_git_(patch) git_patch *patch = NULL;
	git_buf text = {0};

	if (git_start() < 0 ||
		git_patch_from_buffers(&patch, before, strlen(before), path, after,
			strlen(after), path, NULL) < 0 ||
		git_patch_to_buf(&text, patch) < 0)
		return git_failed("cannot compare '%s'", path);
	strbuf_add(diff, text.ptr, text.size);
	git_buf_dispose(&text);
	return 0;
}

int install_prepare(struct installation *ret, const struct vendor *vendor,
	const char *path, bool remove)
{
	_cleanup_free_ char *before = settings_file_read(path);

	*ret = (struct installation){.path = path, .diff = STRBUF_INIT};
	if (!before)
		return -1;
	if (remove && access(path, F_OK) < 0)
		return 0;
	ret->after = changed(before, vendor, path, remove);
	if (!ret->after)
		return -1;
	return streq(before, ret->after) ? 0
					 : put_diff(&ret->diff, path, before, ret->after);
}

int install_write(const struct installation *installation, mode_t mask)
{
	return *installation->after ? settings_file_write(installation->path,
					      installation->after, mask)
				    : settings_file_remove(installation->path);
}

void installation_free(struct installation *installation)
{
	free(installation->after);
	strbuf_free(&installation->diff);
}
