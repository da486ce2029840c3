#include "hook/install.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"
#include "ledger/git.h"

#define SETTINGS_MAX ((size_t)16 << 20)
/* In seconds, for Gemini in milliseconds. Our hook takes hundredths of a second. */
#define TIMEOUT 10
#define INDENT 2
#define INDENT_MAX 9

const char install_opencode_plugin[] =
	"// safe-rebuild: see safe-rebuild-agents(7)\n"
	"import { spawnSync } from \"node:child_process\"\n"
	"\n"
	"const short = (id) => id.replace(/[^A-Za-z0-9]/g, "
	"\"\").slice(-8).toLowerCase()\n"
	"\n"
	"const ask = (event) => {\n"
	"  const ran = spawnSync(\"safe-rebuild\", [\"hook\", \"opencode\"],\n"
	"    { input: JSON.stringify(event), encoding: \"utf8\", timeout: 10000 })\n"
	"  try { return JSON.parse(ran.stdout).hookSpecificOutput } catch { return {} }\n"
	"}\n"
	"\n"
	"export const SafeRebuild = async ({ directory }) => ({\n"
	"  \"shell.env\": async (input, output) => {\n"
	"    if (input.sessionID && !process.env.SAFE_REBUILD_AGENT)\n"
	"      output.env.SAFE_REBUILD_AGENT = \"opencode-\" + short(input.sessionID)\n"
	"  },\n"
	"  \"tool.execute.before\": async (input, output) => {\n"
	"    if (input.tool !== \"bash\") return\n"
	"    Object.assign(output.args, ask({ hook_event_name: \"tool.execute.before\",\n"
	"      tool_name: \"bash\", session_id: input.sessionID, tool_input: "
	"output.args }).updatedInput)\n"
	"  },\n"
	"  \"tool.execute.after\": async (input) => {\n"
	"    if (![\"write\", \"edit\", \"apply_patch\"].includes(input.tool)) return\n"
	"    ask({ hook_event_name: \"tool.execute.after\", tool_name: input.tool,\n"
	"      session_id: input.sessionID, cwd: directory,\n"
	"      tool_input: { file_path: input.args?.filePath, patch: "
	"input.args?.patchText } })\n"
	"  },\n"
	"  \"chat.message\": async (input, output) => {\n"
	"    const part = output.parts.find((part) => part.type === \"text\")\n"
	"    const news = part && ask({ hook_event_name: \"chat.message\",\n"
	"      session_id: input.sessionID }).additionalContext\n"
	"    if (news) part.text += \"\\n\\n\" + news\n"
	"  },\n"
	"})\n";

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

/* The file's text, "" if there is no file; NULL (printed) on error. The caller frees. */
static char *read_settings(const char *path)
{
	char *text = NULL;

	if (read_file(path, SETTINGS_MAX, &text, NULL, NULL) == 0)
		return text;
	if (errno == ENOENT)
		return xstrdup("");
	if (errno == ELOOP)
		error("'%s' is a link that another tool manages: add the hooks with "
		      "that tool, see safe-rebuild-agents(7)",
			path);
	else
		error_errno("cannot read '%s'", path);
	return NULL;
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

bool install_is_ours(const json_t *hook, const char *agent)
{
	_cleanup_free_ char *command = hook_command(agent);
	const char *its = json_string_value(json_object_get(hook, "command"));
	const size_t len = strlen(command);

	if (!its || !ends_with(its, command))
		return false;
	return strlen(its) == len || its[strlen(its) - len - 1] == '/';
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

/* Formats like the old text: with its indentation, and a final newline if it had one. */
static char *dump_like(const json_t *settings, const char *text)
{
	const char *indented = strstr(text, "\n ");
	const size_t indent = indented ? strspn(indented + 1, " ") : INDENT;
	const size_t flags = JSON_INDENT(indent < INDENT_MAX ? indent : INDENT);
	/* With more digits, 0.1 would become 0.10000000000000001. */
	char *dumped = json_dumps(settings, flags | JSON_REAL_PRECISION(15));
	json_t *read_back = json_loads(dumped, 0, NULL);
	char *result;

	if (!json_equal(settings, read_back)) {
		free(dumped);
		dumped = json_dumps(settings, flags);
	}
	json_decref(read_back);
	result = xasprintf("%s%s", dumped, !*text || ends_with(text, "\n") ? "\n" : "");
	free(dumped);
	return result;
}

/* The file's new content; "": no file. NULL (printed) on error. */
static char *changed(
	const char *text, const struct vendor *vendor, const char *path, bool remove)
{
	json_t *settings, *before;
	char *lines = NULL;

	if (vendor->has_plugin)
		return xstrdup(remove ? "" : install_opencode_plugin);
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
			lines = dump_like(settings, text);
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

/* Root may install for a user: the owner is the old file's or the directory's. */
static int keep_owner(int fd, const char *path, const char *directory)
{
	struct stat before;

	if (geteuid() != 0 || (stat(path, &before) < 0 && stat(directory, &before) < 0))
		return 0;
	return fchown(fd, before.st_uid, before.st_gid);
}

/* Makes the directories; those that root makes below a user's home are that user's. */
static int make_places(const char *directory, mode_t mask)
{
	_cleanup_free_ char *path = xstrdup(directory);
	struct stat above = {0};

	for (char *at = path + 1;; at++) {
		const char end = *at;

		if (end && end != '/')
			continue;
		*at = '\0';
		if (mkdir(path, 0700) == 0 &&
			(chmod(path, 0755 & ~mask) < 0 ||
				(geteuid() == 0 &&
					chown(path, above.st_uid, above.st_gid) < 0)))
			return -1;
		if (stat(path, &above) < 0)
			return -1;
		if (!end)
			return 0;
		*at = end;
	}
}

static int write_settings(const char *path, const char *text, mode_t mask)
{
	_cleanup_free_ char *directory = xstrdup(path);
	_cleanup_close_ int fd = -1;
	struct stat before;

	*strrchr(directory, '/') = '\0';
	if (make_places(directory, mask) < 0)
		return error_errno("cannot make '%s'", directory);
	fd = open(directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);
	if (fd < 0 || write_all(fd, text, strlen(text)) < 0 ||
		fchmod(fd, stat(path, &before) == 0 ? before.st_mode & 0777 : 0644) < 0 ||
		keep_owner(fd, path, directory) < 0 || fsync(fd) < 0 ||
		link_file_over(fd, path) < 0)
		return error_errno("cannot write '%s'", path);
	return 0;
}

/* Also removes its directory, if that is empty then. */
static int remove_settings(const char *path)
{
	_cleanup_free_ char *directory = xstrdup(path);

	*strrchr(directory, '/') = '\0';
	if (unlink(path) < 0 && errno != ENOENT)
		return error_errno("cannot remove '%s'", path);
	(void)rmdir(directory);
	return 0;
}

int install_prepare(struct installation *ret, const struct vendor *vendor,
	const char *path, bool remove)
{
	_cleanup_free_ char *before = read_settings(path);

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
	return *installation->after
		       ? write_settings(installation->path, installation->after, mask)
		       : remove_settings(installation->path);
}

void installation_free(struct installation *installation)
{
	free(installation->after);
	strbuf_free(&installation->diff);
}
