#include "hook/reach.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"

#define SETTINGS_MAX ((size_t)16 << 20)

/* Whether the hook is asked about every command: it has no condition, its answer is
 * waited for, and if its program is an absolute path, it exists. */
static bool can_run(const json_t *hook)
{
	const char *command = json_string_value(json_object_get(hook, "command"));
	const char *type = json_string_value(json_object_get(hook, "type"));
	_cleanup_free_ char *program = xstrndup(command, strcspn(command, " "));

	if ((type && !streq(type, "command")) || json_object_get(hook, "if") ||
		json_is_true(json_object_get(hook, "async")))
		return false;
	return *program != '/' || access(program, X_OK) == 0;
}

/* A group's matcher is a regular expression for names of tools; none or "*": any tool. */
static bool matches_shell(const json_t *group, const char *shell)
{
	const char *matcher = json_string_value(json_object_get(group, "matcher"));
	_cleanup_free_ char *whole = NULL;
	regex_t compiled;
	bool matches;

	if (!matcher || !*matcher || streq(matcher, "*"))
		return true;
	whole = xasprintf("^(%s)$", matcher);
	if (regcomp(&compiled, whole, REG_EXTENDED | REG_NOSUB) != 0)
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

/* NULL: not JSON, even without comments. *ret_text: the text without its comments. */
static json_t *load_settings(const char *path, char **ret_text)
{
	*ret_text = read_settings(path);
	if (!*ret_text)
		return NULL;
	blank_comments(*ret_text);
	return json_loads(*ret_text, 0, NULL);
}

bool reach_has_hook(const struct vendor *vendor, enum install_place place)
{
	_cleanup_free_ char *path = install_path(vendor, place);
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *command = xasprintf("safe-rebuild hook %s", vendor->name);
	json_t *settings = load_settings(path, &text);
	bool has_hook = false;

	if (text && vendor->has_plugin)
		has_hook = strstr(text, "SafeRebuild") != NULL;
	else if (text)
		has_hook = settings ? has_ours(settings, vendor)
				    : strstr(text, command) != NULL;
	json_decref(settings);
	return has_hook;
}

/* The file that sets the switch to off; NULL: none. The first place that sets it decides.
 */
static char *find_switch(const struct vendor *vendor, enum install_place place,
	enum install_place last, const char *object, const char *key, bool off)
{
	for (; place <= last; place++) {
		_cleanup_free_ char *path = install_path(vendor, place);
		_cleanup_free_ char *text = NULL;
		json_t *settings = load_settings(path, &text);
		const json_t *value = json_object_get(
			object ? json_object_get(settings, object) : settings, key);
		const bool is_set = json_is_boolean(value);
		const bool is_off = is_set && json_is_true(value) == off;

		json_decref(settings);
		if (is_set)
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

/* Codex has its own settings in a file beside its hooks. */
static char *find_in_toml(const struct vendor *vendor)
{
	_cleanup_free_ char *hooks = install_path(vendor, PLACE_USER);
	char *path = hooks ? xasprintf("%.*s/config.toml",
				     (int)(strrchr(hooks, '/') - hooks), hooks)
			   : NULL;
	_cleanup_free_ char *text = read_settings(path);
	const char *at = text, *line;
	bool is_features = false, is_off = false;
	size_t len;

	while (at && text_next_line(&at, text + strlen(text), &line, &len)) {
		if (len && *line == '[')
			is_features = starts_with(line, "[features]");
		is_off = is_off ||
			 is_switch(line, len, is_features ? "hooks" : "features.hooks");
	}
	if (is_off)
		return path;
	free(path);
	return NULL;
}

char *reach_switched_off(const struct vendor *vendor, enum install_place place)
{
	const bool is_managed = place < PLACE_LOCAL;
	char *where = NULL;

	if (streq(vendor->name, "codex"))
		return find_in_toml(vendor);
	if (streq(vendor->name, "gemini"))
		return find_switch(vendor, PLACE_MANAGED, PLACE_USER, "hooksConfig",
			"enabled", false);
	if (!streq(vendor->name, "claude"))
		return NULL;
	/* Users cannot switch off managed hooks. */
	where = find_switch(vendor, PLACE_MANAGED,
		is_managed ? PLACE_MANAGED_BY_OTHERS : PLACE_USER, NULL,
		"disableAllHooks", true);
	if (!where && !is_managed)
		where = find_switch(vendor, PLACE_MANAGED, PLACE_MANAGED_BY_OTHERS, NULL,
			"allowManagedHooksOnly", true);
	return where;
}
