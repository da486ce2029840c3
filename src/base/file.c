#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "base/memory.h"

#define LOCK_PAUSE_MS 2
/* A descriptor is needed for each level. */
#define REMOVED_DEPTH_MAX 200

static int compare_descriptors(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

void close_all_but(int *keep, size_t len)
{
	int next = STDERR_FILENO + 1;

	if (len)
		qsort(keep, len, sizeof(*keep), compare_descriptors);
	for (size_t i = 0; i < len; i++) {
		if (keep[i] < next)
			continue;
		if (keep[i] > next)
			close_range((unsigned)next, (unsigned)keep[i] - 1, 0);
		next = keep[i] + 1;
	}
	close_range((unsigned)next, ~0U, 0);
}

void keep_standard_descriptors_only(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	close_all_but(NULL, 0);
}

int write_all(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t written = write(fd, at, len);

		if (written < 0) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		at += written;
		len -= (size_t)written;
	}
	return 0;
}

int read_to_end(int fd, size_t max, char **ret, size_t *ret_len)
{
	_cleanup_free_ char *data = NULL;
	size_t len = 0, room = 0;

	for (;;) {
		ssize_t got;

		if (len == room) {
			room = room ? room * 2 : 4096;
			data = xreallocarray(data, room + 1, 1);
		}
		got = read(fd, data + len, room - len);
		if (got < 0) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		if (got == 0)
			break;
		len += (size_t)got;
		if (len > max) {
			errno = EFBIG;
			return -1;
		}
	}
	data[len] = '\0';
	*ret = TAKE_PTR(data);
	if (ret_len)
		*ret_len = len;
	return 0;
}

/* Takes fd; a FIFO would keep whoever reads it. */
static int only_regular(int fd)
{
	struct stat status;

	if (fd < 0 || (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)))
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

int read_file(const char *path, size_t max, char **ret, size_t *ret_len,
	struct stat *ret_status)
{
	_cleanup_close_ int fd = only_regular(
		open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));

	if (fd < 0 || (ret_status && fstat(fd, ret_status) < 0))
		return -1;
	return read_to_end(fd, max, ret, ret_len);
}

int open_beneath(int directory_fd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned)(flags | O_CLOEXEC | O_NOFOLLOW),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, directory_fd, path, &how, sizeof(how));
}

char *read_link_at(int directory_fd, const char *path)
{
	char target[PATH_MAX];
	ssize_t len = readlinkat(directory_fd, path, target, sizeof(target));

	if (len < 0)
		return NULL;
	if ((size_t)len == sizeof(target)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	return xstrndup(target, (size_t)len);
}

static int make_directory(const char *path, mode_t mode)
{
	if (mkdir(path, mode) < 0)
		return errno == EEXIST ? 0 : -1;
	return chmod(path, mode); /* whatever the umask is */
}

bool is_empty_directory(const char *path)
{
	_cleanup_closedir_ DIR *directory = opendir(path);
	size_t entries = 0;

	while (directory && readdir(directory))
		entries++;
	return entries == 2; /* itself and its parent */
}

int free_name(const char *path)
{
	_cleanup_free_ char *aside = xasprintf("%s.aside.%d", path, (int)getpid());

	return unlink(path) == 0 || errno == ENOENT ? 0 : rename(path, aside);
}

static int remove_tree_at(int directory_fd, const char *name, unsigned depth);

static int remove_below(int directory_fd, unsigned depth)
{
	_cleanup_closedir_ DIR *directory = fdopendir(directory_fd);
	const struct dirent *entry;
	int result = 0;

	if (!directory) {
		close(directory_fd);
		return -1;
	}
	while ((entry = readdir(directory)))
		if (!is_dot(entry->d_name) &&
			remove_tree_at(dirfd(directory), entry->d_name, depth) < 0)
			result = -1;
	return result;
}

static int remove_tree_at(int directory_fd, const char *name, unsigned depth)
{
	int fd;

	if (unlinkat(directory_fd, name, 0) == 0)
		return 0;
	if (errno != EISDIR || !depth)
		return -1;
	fd = openat(directory_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		(void)!remove_below(fd, depth - 1);
	return unlinkat(directory_fd, name, AT_REMOVEDIR);
}

int remove_tree(int directory_fd, const char *path)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *parent = xstrndup(path, slash ? (size_t)(slash - path) : 0);
	_cleanup_close_ int fd =
		directory_fd == AT_FDCWD
			? open(slash ? parent : ".", O_PATH | O_DIRECTORY | O_CLOEXEC)
			: open_beneath(directory_fd, slash ? parent : ".",
				  O_PATH | O_DIRECTORY);

	return fd < 0 ? -1
		      : remove_tree_at(fd, slash ? slash + 1 : path, REMOVED_DEPTH_MAX);
}

int make_directories(const char *path, mode_t mode)
{
	_cleanup_free_ char *copy = xstrdup(path);

	for (char *at = copy + 1; *at; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		if (make_directory(copy, mode) < 0)
			return -1;
		*at = '/';
	}
	return make_directory(copy, mode);
}

/* Repairs what a killed first call, or somebody's chmod, has left of a directory.
 */
static int repair_directory(const char *path, mode_t mode, uid_t user, gid_t group)
{
	_cleanup_close_ int fd =
		open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -1;
	if (status.st_uid)
		user = (uid_t)-1;
	if (group != (gid_t)-1 && fchown(fd, user, group) < 0)
		return -1;
	return (status.st_mode & 07777) == mode ? 0 : fchmod(fd, mode);
}

int make_shared_directory(const char *path, mode_t mode, uid_t user, gid_t group)
{
	_cleanup_free_ char *unfinished = NULL;
	_cleanup_close_ int fd = -1;
	struct stat status;

	if (lstat(path, &status) == 0) {
		errno = ENOTDIR;
		if (!S_ISDIR(status.st_mode))
			return -1;
		return geteuid() == 0 ? repair_directory(path, mode, user, group) : 0;
	}
	unfinished = xasprintf("%s.new.XXXXXX", path);
	if (!mkdtemp(unfinished))
		return -1;
	fd = open(unfinished, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && fchown(fd, user, group) == 0 && fchmod(fd, mode) == 0 &&
		renameat2(AT_FDCWD, unfinished, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return 0;
	rmdir(unfinished);
	return errno == EEXIST ? 0 : -1;
}

int open_shared_file(int directory_fd, const char *name, mode_t mode, gid_t group)
{
	const int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
	int fd;

	for (;;) {
		fd = openat(directory_fd, name, flags);
		if (fd >= 0 || errno != ENOENT) {
			fd = only_regular(fd);
			break;
		}
		fd = openat(directory_fd, name, flags | O_CREAT | O_EXCL, mode);
		if (fd >= 0 || errno != EEXIST)
			break;
	}
	/* Also of one whose maker was killed before it came to that. */
	if (fd >= 0 && group != (gid_t)-1 && fchown(fd, (uid_t)-1, group) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

uid_t file_writer(const struct stat *status)
{
	return S_ISREG(status->st_mode) && !(status->st_mode & 0022) ? status->st_uid
								     : (uid_t)-1;
}

bool file_is_shut(const char *path, const struct stat *status)
{
	return status->st_uid && status->st_uid != geteuid() &&
	       faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) < 0 && errno == EACCES;
}

int lock_within(int fd, int64_t ms)
{
	for (int64_t left = ms; flock(fd, LOCK_EX | LOCK_NB) < 0; left -= LOCK_PAUSE_MS) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -1;
		if (left <= 0) {
			errno = EWOULDBLOCK;
			return -1;
		}
		clock_sleep_ms(LOCK_PAUSE_MS);
	}
	return 0;
}

int link_file(int fd, const char *path)
{
	/* linkat(2): AT_EMPTY_PATH would need a capability. */
	_cleanup_free_ char *self = xasprintf("/proc/self/fd/%d", fd);

	if (linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	/* Not the path's fault. */
	if (errno == ENOENT && access(self, F_OK) < 0)
		errno = EOPNOTSUPP;
	return -1;
}

int link_file_over(int fd, const char *path)
{
	_cleanup_free_ char *unfinished = xasprintf("%s.%d", path, (int)getpid());

	if (link_file(fd, unfinished) < 0)
		return -1;
	if (rename(unfinished, path) == 0)
		return 0;
	unlink(unfinished);
	return -1;
}

int write_file_over(const char *path, mode_t mode, const void *data, size_t len)
{
	_cleanup_free_ char *directory = xstrdup(path);
	_cleanup_close_ int fd = -1;

	*strrchr(directory, '/') = '\0';
	fd = open(directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
	/* Whatever the umask is. */
	if (fd < 0 || fchmod(fd, mode) < 0 || write_all(fd, data, len) < 0)
		return -1;
	return link_file_over(fd, path);
}

bool error_is_passing(int error)
{
	return error == EIO || error == EMFILE || error == ENFILE || error == ENOMEM ||
	       error == EINTR;
}

bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

bool file_is_at(int fd, const char *path)
{
	struct stat opened, named;

	return fstat(fd, &opened) == 0 && stat(path, &named) == 0 &&
	       is_same_file(&opened, &named);
}
