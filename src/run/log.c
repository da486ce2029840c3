#include "run/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/screen.h"
#include "base/text.h"

/* A build that prints more is not read whole into memory. */
#define LOG_MAX ((size_t)64 << 20)

char *log_path(const struct settings *settings, uint64_t number)
{
	return xasprintf("%s/%" PRIu64 ".log", settings->log_path, number);
}

/* N of "N.log", 0 for any other name. */
static uint64_t number_of(const char *name)
{
	_cleanup_free_ char *digits = xstrndup(name, strcspn(name, "."));
	uint64_t number = 0;

	if (ends_with(name, ".log") && strlen(digits) + strlen(".log") == strlen(name))
		text_to_number(digits, UINT64_MAX, &number);
	return number;
}

/* Its runner keeps it locked. */
static bool is_being_written(DIR *directory, const char *name)
{
	_cleanup_close_ int fd = openat(
		dirfd(directory), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

static void remove_old(const struct settings *settings, uint64_t newest)
{
	_cleanup_closedir_ DIR *directory = opendir(settings->log_path);
	const struct dirent *found;

	while (directory && (found = readdir(directory))) {
		uint64_t number = number_of(found->d_name);

		if (number && number + settings->log_keep <= newest &&
			!is_being_written(directory, found->d_name))
			unlinkat(dirfd(directory), found->d_name, 0);
	}
}

int log_make_directory(const struct settings *settings)
{
	return sharing_make_top(
		sharing_of(settings), settings->log_path, SHARED_MODE, NULL);
}

int log_create(const struct settings *settings, uint64_t number)
{
	_cleanup_free_ char *path = log_path(settings, number);
	int fd;

	if (faccessat(AT_FDCWD, settings->log_path, F_OK, AT_EACCESS) < 0 &&
		log_make_directory(settings) < 0)
		return error_errno("cannot make '%s'", settings->log_path);
	if (settings->log_keep)
		remove_old(settings, number);
	/* Each number is used once: a file that is there is left from a lost ledger. */
	(void)!free_name(path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd < 0)
		return error_errno("cannot make '%s'", path);
	(void)flock(fd, LOCK_EX | LOCK_NB);
	return fd;
}

int log_read(char **ret, size_t *ret_len, const char *path)
{
	return read_file(path, LOG_MAX, ret, ret_len, NULL);
}

void log_make_readable(const char *path)
{
	_cleanup_strbuf_ struct strbuf readable = STRBUF_INIT;
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (log_read(&text, &len, path) < 0)
		return;
	screen_put_text(&readable, text, len);
	if (write_file_over(path, 0640, readable.text, readable.len) < 0)
		warn_errno("'%s' still contains control characters of a terminal", path);
}
