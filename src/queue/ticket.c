#include "queue/ticket.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/memory.h"

#define TICKET_MAX ((size_t)64 << 10)

/* Digits in INT64_MAX: names sort as numbers do. */
#define NAME_DIGITS 19

static char *next_name(const char *directory)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return xasprintf("%s/%0*" PRId64, directory, NAME_DIGITS,
		(int64_t)now.tv_sec * 1000000000 + now.tv_nsec);
}

static int put_record(int fd, const struct record *record)
{
	char *text = NULL;
	size_t len;
	FILE *out = text_stream(&text, &len);
	ssize_t written;

	record_print(record, out);
	fclose(out);
	written = pwrite(fd, text, len, 0);
	free(text);
	if (written < 0 || (size_t)written != len)
		return -1;
	return ftruncate(fd, (off_t)len);
}

int ticket_new(struct ticket *ret, const char *directory, const struct record *record)
{
	_cleanup_close_ int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0660);
	_cleanup_free_ char *proc_path = NULL;

	if (fd < 0 || put_record(fd, record) < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -1;
	proc_path = xasprintf("/proc/self/fd/%d", fd);
	for (;;) {
		_cleanup_free_ char *path = next_name(directory);

		if (linkat(AT_FDCWD, proc_path, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0) {
			*ret = (struct ticket){.fd = TAKE_FD(fd), .path = TAKE_PTR(path)};
			return 0;
		}
		if (errno != EEXIST)
			return -1;
	}
}

void ticket_update(struct ticket *ticket, const struct record *record)
{
	if (ticket->fd >= 0)
		(void)put_record(ticket->fd, record);
}

const char *ticket_name(const struct ticket *ticket)
{
	return ticket->path ? strrchr(ticket->path, '/') + 1 : NULL;
}

void ticket_close(struct ticket *ticket)
{
	if (ticket->fd >= 0)
		close(ticket->fd);
	free(ticket->path);
	*ticket = (struct ticket)TICKET_NONE;
}

void ticket_remove(struct ticket *ticket)
{
	if (ticket->path)
		unlink(ticket->path);
	ticket_close(ticket);
}

static bool is_locked(int fd)
{
	return flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

static bool is_ticket_name(const char *name)
{
	return strlen(name) == NAME_DIGITS && strspn(name, "0123456789") == NAME_DIGITS;
}

bool ticket_is_alive(const char *directory, const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", directory, name);
	_cleanup_close_ int fd = -1;

	if (!is_ticket_name(name))
		return false;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	return fd >= 0 && is_locked(fd);
}

static int compare_words(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_names(char ***ret, size_t *ret_len, const char *directory)
{
	_cleanup_closedir_ DIR *listing = opendir(directory);
	const struct dirent *found;

	*ret = NULL;
	*ret_len = 0;
	if (!listing)
		return errno == ENOENT ? 0 : -1;
	while ((found = readdir(listing))) {
		if (!is_ticket_name(found->d_name))
			continue;
		*ret = xreallocarray(*ret, *ret_len + 1, sizeof(**ret));
		(*ret)[(*ret_len)++] = xstrdup(found->d_name);
	}
	if (*ret_len)
		qsort(*ret, *ret_len, sizeof(**ret), compare_words);
	return 0;
}

static bool read_living(struct record *ret, const char *directory, const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", directory, name), *text = NULL;
	_cleanup_close_ int fd =
		open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	size_t len;

	if (fd < 0 || !is_locked(fd) || read_to_end(fd, TICKET_MAX, &text, &len) < 0)
		return false;
	record_parse(ret, text, len);
	record_set(ret, "Ticket", name);
	return true;
}

int tickets_read(struct record **ret, size_t *ret_len, const char *directory)
{
	char **names;
	size_t len;

	*ret = NULL;
	*ret_len = 0;
	if (list_names(&names, &len, directory) < 0)
		return -1;
	for (size_t i = 0; i < len; i++) {
		struct record record;

		if (read_living(&record, directory, names[i])) {
			*ret = xreallocarray(*ret, *ret_len + 1, sizeof(**ret));
			(*ret)[(*ret_len)++] = record;
		}
		free(names[i]);
	}
	free(names);
	return 0;
}

void tickets_free(struct record *tickets, size_t len)
{
	for (size_t i = 0; i < len; i++)
		record_free(&tickets[i]);
	free(tickets);
}
