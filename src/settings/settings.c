#include "settings/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"

/* inih's INI_MAX_LINE in every distribution's build, less the newline and the NUL. */
#define LINE_MAX_BYTES 198
/* [health] timeout: a week counts as forever, so that no sum overflows. */
#define HEALTH_MAX_MS 604800000

enum value_type {
	TYPE_WORD, /* any text that is not empty */
	TYPE_PATH, /* absolute */
	TYPE_LIST,
	TYPE_COMMAND, /* a program and its arguments, divided by blanks */
	TYPE_BOOL,
	TYPE_NUMBER,
	TYPE_DURATION,
	TYPE_CHOICE,
};

struct key {
	const char *section, *name;
	enum value_type type;
	size_t offset;
	const char *choices; /* for TYPE_CHOICE: in the order of the enum */
};

#define KEY(section, name, type, member, choices)                               \
	{                                                                       \
		section, name, type, offsetof(struct settings, member), choices \
	}

static const struct key keys[] = {
	KEY("rebuild", "command", TYPE_WORD, rebuild_command, NULL),
	KEY("queue", "wait", TYPE_DURATION, queue_wait_ms, NULL),
	KEY("queue", "builds", TYPE_BOOL, queue_builds, NULL),
	KEY("guard", "undo", TYPE_CHOICE, guard_undo, "refuse|warn|off"),
	KEY("guard", "ignore", TYPE_LIST, guard_ignore, NULL),
	KEY("show", "changes", TYPE_CHOICE, show_changes, "stat|patch|names"),
	KEY("show", "lines", TYPE_NUMBER, show_lines, NULL),
	KEY("show", "output", TYPE_CHOICE, show_output, "auto|all|brief"),
	KEY("show", "packages", TYPE_COMMAND, show_packages, NULL),
	KEY("health", "check", TYPE_COMMAND, health_check, NULL),
	KEY("health", "timeout", TYPE_DURATION, health_timeout_ms, NULL),
	KEY("health", "units", TYPE_BOOL, health_units, NULL),
	KEY("health", "ignore", TYPE_LIST, health_ignore, NULL),
	KEY("notify", "command", TYPE_COMMAND, notify_command, NULL),
	KEY("log", "keep", TYPE_NUMBER, log_keep, NULL),
	KEY("access", "group", TYPE_WORD, access_group, NULL),
	KEY("access", "user", TYPE_WORD, access_user, NULL),
	KEY("paths", "run", TYPE_PATH, run_path, NULL),
	KEY("paths", "state", TYPE_PATH, state_path, NULL),
	KEY("paths", "log", TYPE_PATH, log_path, NULL),
	KEY("paths", "profiles", TYPE_PATH, profiles_path, NULL),
	KEY("paths", "current-system", TYPE_PATH, current_system_path, NULL),
	KEY("paths", "activation-lock", TYPE_PATH, activation_lock_path, NULL),
	KEY("paths", "system-slice", TYPE_PATH, system_slice_path, NULL),
};

struct reader {
	FILE *file;
	const char *path;
	unsigned line;
	bool is_private; /* not everybody may read it: sudo must not make us print it */
	bool failed;     /* the first problem is said, later ones would only add noise */
	bool seen[ARRAY_LEN(keys)];
	struct settings *settings;
};

static int choose(const char *choices, const char *value)
{
	size_t len = strlen(value);
	int index = 0;

	for (const char *at = choices;; at++) {
		const char *end = strchrnul(at, '|');

		if ((size_t)(end - at) == len && strncmp(at, value, len) == 0)
			return index;
		if (!*end)
			return -1;
		at = end;
		index++;
	}
}

static void add_words(struct strv *list, const char *value, const char *between)
{
	for (const char *at = value; *(at += strspn(at, between));) {
		size_t len = strcspn(at, between);

		strv_take(list, xstrndup(at, len));
		at += len;
	}
}

/* NULL when the value was taken, else what it should have been; the caller frees. */
static char *assign(void *member, const struct key *key, const char *value)
{
	uint64_t number;
	int choice;

	switch (key->type) {
	case TYPE_WORD:
		if (!*value)
			return xstrdup("wants a value");
		set_string(member, xstrdup(value));
		return NULL;
	case TYPE_PATH:
		if (*value != '/')
			return xstrdup("wants an absolute path");
		set_string(member, xstrdup(value));
		return NULL;
	case TYPE_LIST:
		add_words(member, value, " \t,");
		return NULL;
	case TYPE_COMMAND:
		add_words(member, value, " \t");
		return NULL;
	case TYPE_BOOL:
		choice = choose("no|yes|false|true", value);
		if (choice < 0)
			return xstrdup("wants yes or no");
		*(bool *)member = choice % 2;
		return NULL;
	case TYPE_NUMBER:
		if (!text_to_number(value, 1000000, &number))
			return xstrdup("wants a number from 0 to 1000000");
		*(unsigned *)member = (unsigned)number;
		return NULL;
	case TYPE_DURATION:
		if (!clock_parse_duration(value, member))
			return xstrdup(
				"wants a duration such as 90s, 10m, 2h, 0 or forever");
		return NULL;
	case TYPE_CHOICE:
		choice = choose(key->choices, value);
		if (choice < 0)
			return xasprintf("wants one of %s", key->choices);
		*(unsigned *)member = (unsigned)choice;
		return NULL;
	}
	return NULL;
}

static int reject(
	struct reader *reader, const char *section, const char *name, const char *reason)
{
	if (!reader->failed)
		error("%s:%u: [%s] %s: %s", reader->path, reader->line, section, name,
			reason);
	reader->failed = true;
	return 0;
}

static char *refuse_line(struct reader *reader, const char *reason)
{
	if (!reader->failed)
		error("%s:%u: %s", reader->path, reader->line, reason);
	reader->failed = true;
	return NULL;
}

/* inih's convention: 1 is success, 0 an error. */
static int handle(void *user, const char *section, const char *name, const char *value)
{
	struct reader *reader = user;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		_cleanup_free_ char *reason = NULL;
		void *member = (char *)reader->settings + keys[i].offset;

		if (!streq(keys[i].section, section) || !streq(keys[i].name, name))
			continue;
		if (keys[i].type == TYPE_LIST && !reader->seen[i])
			strv_free(member);
		else if (keys[i].type != TYPE_LIST && reader->seen[i])
			return reject(reader, section, name, "is given twice");
		reader->seen[i] = true;
		reason = assign(member, &keys[i], value);
		return reason ? reject(reader, section, name, reason) : 1;
	}
	if (reader->is_private)
		(void)refuse_line(reader, "unknown key");
	return reject(reader, section, name, "unknown key");
}

/* inih calls the handler only for keys, so it would miss an empty section. */
static bool is_known_section(const char *name)
{
	size_t len = strcspn(name, "]");

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (strlen(keys[i].section) == len &&
			strncmp(keys[i].section, name, len) == 0)
			return true;
	return false;
}

/* An fgets(3) that counts lines and stops at what inih would misread. */
static char *read_line(char *line, int room, void *stream)
{
	struct reader *reader = stream;
	_cleanup_free_ char *whole = NULL;
	size_t size = 0;
	ssize_t len;

	if (reader->failed)
		return NULL;
	len = getline(&whole, &size, reader->file);
	if (len < 0)
		return NULL;
	reader->line++;
	if (len && whole[len - 1] == '\n')
		whole[--len] = '\0';
	if (len > LINE_MAX_BYTES || len + 2 > room)
		return refuse_line(reader,
			"line is longer than 198 bytes (a long command can be a script)");
	if (strlen(whole) != (size_t)len)
		return refuse_line(reader, "line contains a NUL byte");
	if ((*whole == ' ' || *whole == '\t') && whole[strspn(whole, " \t\r")])
		return refuse_line(reader, "line begins with a blank");
	if (*whole == '[' && !strchr(whole, ']'))
		return refuse_line(reader, "a section without its ']'");
	if (*whole == '[' && !is_known_section(whole + 1)) {
		_cleanup_free_ char *reason = xasprintf(
			"%.*s]: unknown section", (int)strcspn(whole, "]"), whole);

		return refuse_line(
			reader, reader->is_private ? "unknown section" : reason);
	}
	memcpy(line, whole, (size_t)len);
	memcpy(line + len, "\n", 2);
	return line;
}

static int check_trust(bool *ret_private, int fd, const char *path)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return error_errno("cannot read '%s'", path);
	if (!S_ISREG(status.st_mode))
		return error("%s: is not a regular file", path);
	if ((status.st_uid != 0 && status.st_uid != geteuid()) || (status.st_mode & 0022))
		return error(
			"%s:1: others can write this file: give it to root and take away "
			"write permission (chown root, chmod go-w)",
			path);
	*ret_private = !(status.st_mode & S_IROTH);
	return 0;
}

static int parse(struct settings *settings, int fd, const char *path, bool is_private)
{
	_cleanup_fclose_ FILE *file = fdopen(fd, "re");
	struct reader reader = {
		.file = file,
		.path = path,
		.is_private = is_private,
		.settings = settings,
	};
	int bad_line;

	if (!file) {
		close(fd);
		return error_errno("cannot read '%s'", path);
	}
	bad_line = ini_parse_stream(read_line, &reader, handle, &reader);
	if (!reader.failed && bad_line > 0)
		return error(
			"%s:%d: neither a [section] nor key = value", path, bad_line);
	if (!reader.failed && (bad_line < 0 || ferror(file)))
		return error("%s: cannot be read to its end", path);
	return reader.failed ? -1 : 0;
}

int settings_read(struct settings *ret, const char *path)
{
	const char *name = path ? path : SETTINGS_DEFAULT_PATH;
	bool is_private = true;
	int fd;

	*ret = (struct settings){
		.rebuild_command = xstrdup(NIXOS_REBUILD),
		.queue_wait_ms = FOREVER_MS,
		.show_lines = 200,
		.health_timeout_ms = 60000,
		.log_keep = 100,
		.run_path = xstrdup("/run/safe-rebuild"),
		.state_path = xstrdup("/var/lib/safe-rebuild"),
		.log_path = xstrdup("/var/log/safe-rebuild"),
		.profiles_path = xstrdup("/nix/var/nix/profiles"),
		.current_system_path = xstrdup("/run/current-system"),
		.activation_lock_path =
			xstrdup("/run/nixos/switch-to-configuration.lock"),
		.system_slice_path = xstrdup("/sys/fs/cgroup/system.slice"),
	};
	add_words(&ret->guard_ignore, "*.md .github/* .claude/* LICENSE*", " ");
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return !path && errno == ENOENT ? 0
						: error_errno("cannot open '%s'", name);
	if (check_trust(&is_private, fd, name) < 0) {
		close(fd);
		return -1;
	}
	if (parse(ret, fd, name, is_private) < 0)
		return -1;
	if (ret->health_timeout_ms > HEALTH_MAX_MS)
		ret->health_timeout_ms = HEALTH_MAX_MS;
	return 0;
}

void settings_free(struct settings *settings)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		void *member = (char *)settings + keys[i].offset;

		if (keys[i].type == TYPE_WORD || keys[i].type == TYPE_PATH)
			set_string(member, NULL);
		else if (keys[i].type == TYPE_LIST || keys[i].type == TYPE_COMMAND)
			strv_free(member);
	}
}
