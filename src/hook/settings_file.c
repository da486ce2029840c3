#include "hook/settings_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/strbuf.h"
#include "base/text.h"

#define SETTINGS_MAX ((size_t)16 << 20)
#define INDENT 2
#define INDENT_MAX 9

char *settings_file_read(const char *path)
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

/* The JSON with so many blanks before an inner line; 0: on one line. */
static char *dump(const json_t *settings, size_t indent)
{
	/* With more digits, 0.1 would become 0.10000000000000001. */
	char *dumped = json_dumps(
		settings, JSON_INDENT(indent) | (size_t)JSON_REAL_PRECISION(15));
	json_t *read_back = json_loads(dumped, 0, NULL);

	if (!json_equal(settings, read_back)) {
		free(dumped);
		dumped = json_dumps(settings, JSON_INDENT(indent));
	}
	json_decref(read_back);
	return dumped;
}

/* The old text's indentation: so many blanks, or tabs. */
static size_t find_indent(const char *text, bool *with_tabs)
{
	const char *line = strchr(text, '\n');
	size_t indent;

	*with_tabs = strstr(text, "\n\t") != NULL;
	if (*with_tabs)
		return 1;
	if (*text && (!line || !line[1]))
		return 0;
	line = strstr(text, "\n ");
	indent = line ? strspn(line + 1, " ") : INDENT;
	return indent < INDENT_MAX ? indent : INDENT;
}

char *settings_file_format(const json_t *settings, const char *text)
{
	const char *line_end = strstr(text, "\r\n") ? "\r\n" : "\n";
	struct strbuf out = STRBUF_INIT;
	bool with_tabs;
	_cleanup_free_ char *dumped = dump(settings, find_indent(text, &with_tabs));
	const char *at = dumped, *line;
	size_t len;

	while (text_next_line(&at, dumped + strlen(dumped), &line, &len)) {
		const size_t blanks = strspn(line, " ");

		if (line > dumped)
			strbuf_puts(&out, line_end);
		for (size_t i = 0; i < blanks; i++)
			strbuf_putc(&out, with_tabs ? '\t' : ' ');
		strbuf_add(&out, line + blanks, len - blanks);
	}
	if (!*text || ends_with(text, "\n"))
		strbuf_puts(&out, line_end);
	return strbuf_take(&out);
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

int settings_file_write(const char *path, const char *text, mode_t mask)
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

int settings_file_remove(const char *path)
{
	_cleanup_free_ char *directory = xstrdup(path);

	*strrchr(directory, '/') = '\0';
	if (unlink(path) < 0 && errno != ENOENT)
		return error_errno("cannot remove '%s'", path);
	(void)rmdir(directory);
	return 0;
}
