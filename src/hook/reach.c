#include "hook/reach.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/strv.h"
#include "base/text.h"

#define SETTINGS_MAX ((size_t)16 << 20)

/* Whether the hook is asked about every command: it has no condition, its answer is
 * waited for, and if its program is an absolute path, it exists. */
static bool can_run(const json_t *hook)
{
	const char *command = json_string_value(json_object_get(hook, "command"));
	const char *type = json_string_value(json_object_get(hook, "type"));
	const char *start = command + strspn(command, "\"'");
	_cleanup_free_ char *program = xstrndup(start, strcspn(start, " \"'"));

	if ((type && !streq(type, "command")) || json_object_get(hook, "if") ||
		json_is_true(json_object_get(hook, "async")))
		return false;
	return *program != '/' || access(program, X_OK) == 0;
}

/* Whether one of the names, with commas or bars between them, is the tool's. */
static bool is_listed(const char *names, const char *tool)
{
	_cleanup_strv_ struct strv list = strv_split(names, ",|");

	for (size_t i = 0; i < list.len; i++) {
		char *name = list.words[i] + strspn(list.words[i], " ");

		name[strcspn(name, " ")] = '\0';
		if (streq(name, tool))
			return true;
	}
	return false;
}

/*
 * A group's matcher is a list of names of tools, or else a regular expression that may
 * match a part of the name; none or "*": any tool. (Claude Code; to the others it is the
 * same in what people write.)
 */
static bool matches_shell(const json_t *group, const char *shell)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-,| ";
	const char *matcher = json_string_value(json_object_get(group, "matcher"));
	regex_t compiled;
	bool matches;

	if (!matcher || !*matcher || streq(matcher, "*"))
		return true;
	if (!matcher[strspn(matcher, plain)])
		return is_listed(matcher, shell);
	if (regcomp(&compiled, matcher, REG_EXTENDED | REG_NOSUB) != 0)
		return false;
	matches = regexec(&compiled, shell, 0, NULL, 0) == 0;
	regfree(&compiled);
	return matches;
}

static bool groups_have_ours(const json_t *groups, const char *agent, const char *shell)
{
	for (size_t i = 0; i < json_array_size(groups); i++) {
		const json_t *group = json_array_get(groups, i);
		const json_t *hooks = json_object_get(group, "hooks");

		for (size_t j = 0; j < json_array_size(hooks); j++)
			if (install_is_ours(json_array_get(hooks, j), agent) &&
				can_run(json_array_get(hooks, j)) &&
				matches_shell(group, shell))
				return true;
	}
	return false;
}

static bool has_ours(const json_t *settings, const struct vendor *vendor)
{
	const json_t *hooks = json_object_get(settings, "hooks");

	return groups_have_ours(
		json_object_get(hooks, vendor->before), vendor->name, vendor->shell);
}

/* NULL if there is no such file, or (printed) if it cannot be read. */
static char *read_settings(const char *path)
{
	_cleanup_close_ int fd =
		path ? open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;
	char *text = NULL;

	if (path && ((fd < 0 && errno != ENOENT) ||
			    (fd >= 0 && read_to_end(fd, SETTINGS_MAX, &text, NULL) < 0)))
		error_errno("cannot read '%s'", path);
	return text;
}

/* Some agents allow comments. */
static void blank_comments(char *text)
{
	for (size_t len = 1; *text; text += len, len = 1) {
		if (*text == '"') {
			while (text[len] && text[len] != '"')
				len += text[len] == '\\' && text[len + 1] ? 2 : 1;
			len += text[len] == '"';
		} else if (starts_with(text, "//")) {
			len = strcspn(text, "\n");
			memset(text, ' ', len);
		} else if (starts_with(text, "/*")) {
			const char *end = strstr(text + 2, "*/");

			len = end ? (size_t)(end + 2 - text) : strlen(text);
			memset(text, ' ', len);
		}
	}
}

/* NULL: there are none that the agent reads. for_hook: says if their form is the reason.
 */
static json_t *load_settings(const struct vendor *vendor, const char *path, bool for_hook)
{
	_cleanup_free_ char *text = read_settings(path);
	json_t *settings;

	if (!text || !text[strspn(text, " \t\r\n")])
		return NULL;
	if (vendor->reads_comments)
		blank_comments(text);
	settings = json_loads(text, 0, NULL);
	if (!settings && for_hook)
		warn("'%s' is not plain JSON: %s does not read it", path, vendor->name);
	return settings;
}

bool reach_has_hook(const struct vendor *vendor, enum install_place place)
{
	_cleanup_free_ char *path = install_path(vendor, place);
	json_t *settings;
	bool has_hook;

	if (vendor->has_plugin) {
		_cleanup_free_ char *text = read_settings(path);

		return text && strstr(text, "SafeRebuild");
	}
	settings = load_settings(vendor, path, true);
	has_hook = has_ours(settings, vendor);
	json_decref(settings);
	return has_hook;
}

/* The drop-ins of managed settings, in their order. */
static struct strv list_drop_ins(const struct vendor *vendor)
{
	struct strv ret = {0};
	_cleanup_closedir_ DIR *directory =
		vendor->drop_ins ? opendir(vendor->drop_ins) : NULL;
	const struct dirent *entry;

	while (directory && (entry = readdir(directory)))
		if (ends_with(entry->d_name, ".json"))
			strv_take(&ret,
				xasprintf("%s/%s", vendor->drop_ins, entry->d_name));
	strv_sort(&ret);
	return ret;
}

char *reach_drop_in(const struct vendor *vendor)
{
	_cleanup_strv_ struct strv paths = list_drop_ins(vendor);
	_cleanup_free_ char *own = install_path(vendor, PLACE_MANAGED);

	for (size_t i = 0; i < paths.len; i++) {
		json_t *settings = NULL;
		bool has_hook;

		if (own && streq(paths.words[i], own))
			continue;
		settings = load_settings(vendor, paths.words[i], true);
		has_hook = has_ours(settings, vendor);
		json_decref(settings);
		if (has_hook)
			return xstrdup(paths.words[i]);
	}
	return NULL;
}

/* Whether the file sets the switch (1: to off, 0: to on); -1: it does not. */
static int read_switch(const struct vendor *vendor, const char *path, const char *object,
	const char *key, bool off)
{
	json_t *settings = load_settings(vendor, path, false);
	const json_t *value = json_object_get(
		object ? json_object_get(settings, object) : settings, key);
	const int ret = json_is_boolean(value) ? json_is_true(value) == off : -1;

	json_decref(settings);
	return ret;
}

/* A drop-in that sets the switch to off. */
static char *find_switch_in_drop_ins(const struct vendor *vendor, const char *key)
{
	_cleanup_strv_ struct strv paths = list_drop_ins(vendor);

	for (size_t i = 0; i < paths.len; i++)
		if (read_switch(vendor, paths.words[i], NULL, key, true) > 0)
			return xstrdup(paths.words[i]);
	return NULL;
}

/* The file that sets the switch to off; NULL: none. The first place that sets it decides.
 */
static char *find_switch(const struct vendor *vendor, enum install_place place,
	enum install_place last, const char *object, const char *key, bool off)
{
	for (; place <= last; place++) {
		_cleanup_free_ char *path = install_path(vendor, place);
		const int is_off = read_switch(vendor, path, object, key, off);

		if (is_off >= 0)
			return is_off ? TAKE_PTR(path) : NULL;
	}
	return NULL;
}

/* Whether the line of TOML is "NAME = false", with any blanks. */
static bool is_switch(const char *line, size_t len, const char *name)
{
	_cleanup_free_ char *plain = xstrndup(line, len);
	_cleanup_free_ char *wanted = xasprintf("%s=false", name);
	char *to = plain;

	for (const char *at = plain; *at && *at != '#'; at++)
		if (!isspace((unsigned char)*at))
			*to++ = *at;
	*to = '\0';
	return streq(plain, wanted);
}

/* Whether a line of TOML begins a table of this name, or of one below it. */
static bool begins_table(const char *line, size_t len, const char *name)
{
	const size_t start = len ? strspn(line, "[ ") : 0;

	return start && len > start + strlen(name) && starts_with(line + start, name) &&
	       strchr(" ].", line[start + strlen(name)]);
}

/* Whether Codex' settings themselves have a hook of ours, in [[hooks.PreToolUse.hooks]].
 */
static bool toml_has_hook(const char *path, const struct vendor *vendor)
{
	_cleanup_free_ char *text = read_settings(path);
	_cleanup_free_ char *table = xasprintf("hooks.%s", vendor->before);
	const char *at = text, *line;
	bool is_inside = false;
	size_t len;

	while (at && text_next_line(&at, text + strlen(text), &line, &len)) {
		_cleanup_free_ char *copy = xstrndup(line, len);

		if (len && *line == '[')
			is_inside = begins_table(line, len, table);
		if (is_inside && starts_with(copy, "command") &&
			install_is_our_command(copy + strcspn(copy, "="), vendor->name))
			return true;
	}
	return false;
}

/* Whether Codex' settings switch hooks off. */
static bool toml_switches_off(const char *path, const struct vendor *vendor)
{
	_cleanup_free_ char *text = read_settings(path);
	const char *at = text, *line;
	bool is_features = false, is_off = false;
	size_t len;

	(void)vendor;
	while (at && text_next_line(&at, text + strlen(text), &line, &len)) {
		if (len && *line == '[')
			is_features = begins_table(line, len, "features");
		is_off = is_off ||
			 is_switch(line, len, is_features ? "hooks" : "features.hooks") ||
			 is_switch(line, len,
				 is_features ? "codex_hooks" : "features.codex_hooks");
	}
	return is_off;
}

/* Codex has its own settings in files of their own: beside its hooks, in the project, and
 * for the machine, whose last two nobody overrides. */
static char *find_in_toml(const struct vendor *vendor,
	bool (*is_found)(const char *path, const struct vendor *vendor))
{
	static const char *const others[] = {".codex/config.toml",
		"/etc/codex/config.toml", "/etc/codex/managed_config.toml",
		"/etc/codex/requirements.toml"};
	_cleanup_free_ char *hooks = install_path(vendor, PLACE_USER);
	_cleanup_free_ char *own =
		hooks ? xasprintf("%.*s/config.toml", (int)(strrchr(hooks, '/') - hooks),
				hooks)
		      : NULL;

	if (own && is_found(own, vendor))
		return TAKE_PTR(own);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (is_found(others[i], vendor))
			return xstrdup(others[i]);
	return NULL;
}

char *reach_in_toml(const struct vendor *vendor)
{
	return streq(vendor->name, "codex") ? find_in_toml(vendor, toml_has_hook) : NULL;
}

char *reach_switched_off(const struct vendor *vendor, enum install_place place)
{
	const bool is_managed = place < PLACE_LOCAL;
	char *where = NULL;

	if (streq(vendor->name, "codex"))
		return find_in_toml(vendor, toml_switches_off);
	if (streq(vendor->name, "gemini"))
		return find_switch(vendor, PLACE_MANAGED, PLACE_USER, "hooksConfig",
			"enabled", false);
	if (!streq(vendor->name, "claude"))
		return NULL;
	/* Users cannot switch off managed hooks. */
	where = find_switch_in_drop_ins(vendor, "disableAllHooks");
	if (!where && !is_managed)
		where = find_switch_in_drop_ins(vendor, "allowManagedHooksOnly");
	if (where)
		return where;
	where = find_switch(vendor, PLACE_MANAGED,
		is_managed ? PLACE_MANAGED_BY_OTHERS : PLACE_USER, NULL,
		"disableAllHooks", true);
	if (!where && !is_managed)
		where = find_switch(vendor, PLACE_MANAGED, PLACE_MANAGED_BY_OTHERS, NULL,
			"allowManagedHooksOnly", true);
	return where;
}
