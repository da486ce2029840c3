#include "changes/edits.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "settings/sharing.h"

#define FILE_MAX ((size_t)4 << 20)
/* What a line holds besides its path. */
#define LINE_MAX 100
/* The lock is held to write a few lines. A holder that takes longer was stopped. */
#define LOCK_MS 200

static char *directory_of(const struct settings *settings)
{
	return xasprintf("%s/edits", settings->state_path);
}

/* Ignores a line that is not one of ours. */
static void parse_line(struct edits *edits, uid_t by, const char *line, size_t len)
{
	_cleanup_free_ char *copy = xstrndup(line, len);
	char agent[65];
	intmax_t when;
	int end = 0;

	if (sscanf(copy, "%jd %64s %n", &when, agent, &end) != 2 || !copy[end] ||
		!agent_name_is_valid(agent))
		return;
	*list_add(edits->list, edits->len) = (struct edit){
		.when = (time_t)when,
		.by = by,
		.agent = xstrdup(agent),
		.path = text_unescape(copy + end, strlen(copy + end)),
	};
}

static void parse(struct edits *edits, uid_t by, int fd)
{
	_cleanup_free_ char *text = NULL;
	const char *at, *line;
	size_t len, line_len;

	if (read_to_end(fd, FILE_MAX, &text, &len) < 0)
		return;
	at = text;
	while (text_next_line(&at, text + len, &line, &line_len))
		parse_line(edits, by, line, line_len);
}

static void put(struct strbuf *out, const struct edit *edit)
{
	_cleanup_free_ char *path = text_escape(edit->path, strlen(edit->path));

	strbuf_printf(out, "%jd %s %s\n", (intmax_t)edit->when, edit->agent, path);
}

/* The first edit to keep, so that neither their number nor their size is exceeded. */
static size_t find_first_kept(const struct edits *edits)
{
	size_t first = edits->len, room = FILE_MAX;

	while (first > 0 && edits->len - first < EDITS_KEPT) {
		/* Escaped, a byte may take four. */
		const size_t len = 4 * strlen(edits->list[first - 1].path) + LINE_MAX;

		if (len > room)
			break;
		room -= len;
		first--;
	}
	return first;
}

/* If another user has put a file there, it is replaced. */
static int open_own(const char *name)
{
	for (int i = 0; i < 2; i++) {
		_cleanup_close_ int fd =
			open_shared_file(AT_FDCWD, name, 0640, (gid_t)-1);
		struct stat status;

		if (fd >= 0 && fstat(fd, &status) == 0 && status.st_uid == geteuid())
			return TAKE_FD(fd);
		/* A passing failure must not lose what has been noted. */
		if (fd < 0 && errno != EINVAL && errno != ELOOP && errno != EACCES &&
			errno != EISDIR)
			return -1;
		if (free_name(name) < 0)
			return -1;
	}
	return -1;
}

int edits_note(const struct settings *settings, const char *agent, const char *path)
{
	_cleanup_free_ char *directory = directory_of(settings);
	_cleanup_free_ char *name = xasprintf("%s/%u", directory, (unsigned)getuid());
	_cleanup_edits_ struct edits edits = {0};
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	_cleanup_close_ int fd = -1;

	if (make_shared_directory(directory, SHARED_MODE, (uid_t)-1, (gid_t)-1) < 0)
		return -1;
	fd = open_own(name);
	if (fd < 0 || lock_within(fd, LOCK_MS) < 0)
		return -1;
	parse(&edits, getuid(), fd);
	*list_add(edits.list, edits.len) = (struct edit){
		.when = time(NULL), .agent = xstrdup(agent), .path = xstrdup(path)};
	for (size_t i = find_first_kept(&edits); i < edits.len; i++)
		put(&out, &edits.list[i]);
	if (pwrite(fd, out.text, out.len, 0) != (ssize_t)out.len)
		return -1;
	return ftruncate(fd, (off_t)out.len);
}

static int compare_edits(const void *a, const void *b)
{
	const struct edit *one = a, *other = b;

	return one->when < other->when ? -1 : one->when > other->when;
}

/* Whether only the user after whom the file is named can have written it. Root writes
 * with the rights of the system user. */
static bool is_written_by(int fd, uid_t user, const struct settings *settings)
{
	struct stat status;
	uid_t writer;

	if (fstat(fd, &status) < 0)
		return false;
	writer = file_writer(&status);
	return writer == user || (!user && writer == sharing_user(settings));
}

void edits_read(struct edits *ret, const struct settings *settings)
{
	_cleanup_free_ char *path = directory_of(settings);
	_cleanup_closedir_ DIR *directory = opendir(path);
	const struct dirent *found;

	*ret = (struct edits){0};
	while (directory && (found = readdir(directory))) {
		_cleanup_close_ int fd = -1;
		uint64_t uid;

		if (!text_to_number(found->d_name, UINT32_MAX, &uid))
			continue;
		fd = openat(dirfd(directory), found->d_name,
			O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
		if (fd >= 0 && is_written_by(fd, (uid_t)uid, settings))
			parse(ret, (uid_t)uid, fd);
		else if (fd >= 0 || !error_is_passing(errno))
			/* It is in the way of the user after whom it is named, and who
			 * may not remove it. */
			(void)unlinkat(dirfd(directory), found->d_name, 0);
	}
	if (ret->len)
		qsort(ret->list, ret->len, sizeof(*ret->list), compare_edits);
}

void edits_free(struct edits *edits)
{
	for (size_t i = 0; i < edits->len; i++) {
		free(edits->list[i].agent);
		free(edits->list[i].path);
	}
	free(edits->list);
	*edits = (struct edits){0};
}

const struct edit *edits_last(const struct edits *edits, const char *path)
{
	for (size_t i = edits->len; i-- > 0;)
		if (streq(edits->list[i].path, path))
			return &edits->list[i];
	return NULL;
}

const char *edits_author(
	const struct edits *edits, const char *path, time_t from, time_t to)
{
	const char *author = NULL;

	for (size_t i = 0; i < edits->len; i++) {
		const struct edit *edit = &edits->list[i];

		if (edit->when <= from || (to && edit->when > to) ||
			!streq(edit->path, path))
			continue;
		if (author && !streq(author, edit->agent))
			return NULL;
		author = edit->agent;
	}
	return author;
}
