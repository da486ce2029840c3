#pragma once
/*
 * Reading and writing descriptors whole, and opening files where others may have placed
 * traps. Functions return -1 with errno set and print nothing: the caller knows the
 * subject.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/macro.h"

/*
 * Leaves stdin, stdout and stderr open, whatever they were, and nothing else: a file
 * opened later cannot become stderr, and what we leave running cannot keep a lock or a
 * pipe that the caller has left open.
 */
void keep_standard_descriptors_only(void);
/* Closes all descriptors above stderr except these. Sorts keep. */
void close_all_but(int *keep, size_t len);

int write_all(int fd, const void *data, size_t len);

/*
 * Reads to the end of fd, at most max bytes (EFBIG above that), into a new buffer with a
 * NUL behind it. The caller frees *ret.
 */
int read_to_end(int fd, size_t max, char **ret, size_t *ret_len) _must_check_;

/*
 * The same with a file that others may have put there: a link is not followed (ELOOP),
 * what is no regular file not read (EINVAL). ret_len and ret_status may be NULL.
 */
int read_file(const char *path, size_t max, char **ret, size_t *ret_len,
	struct stat *ret_status) _must_check_;

/*
 * openat2(2) that never leaves directory_fd and follows no symbolic link, not even in the
 * middle of path (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
 * Linux 5.6); O_CLOEXEC and O_NOFOLLOW are added. glibc has no wrapper for it.
 */
int open_beneath(int directory_fd, const char *path, int flags);

/* The target of the symbolic link; NULL with errno set if it cannot be read. */
char *read_link_at(int directory_fd, const char *path) _must_check_;

/* mkdir -p, exactly this mode for what is missing; an existing directory is left as it
 * is. */
int make_directories(const char *path, mode_t mode);

bool is_empty_directory(const char *path);

/* Removes the file of this name; a directory, which perhaps cannot be removed, gets
 * another name beside it instead. */
int free_name(const char *path);

/* rm -r: the path and everything below it. Links in what is removed are never followed;
 * links in the path only if directory_fd is AT_FDCWD. */
int remove_tree(int directory_fd, const char *path);

/*
 * Makes directory path with exactly this mode, owner and group (-1: the default), or
 * finds it there; root then repairs its mode and group, and gives root's to the user.
 * Nobody ever sees it half made, and two processes may call this at once.
 */
int make_shared_directory(const char *path, mode_t mode, uid_t user, gid_t group);

/*
 * Opens the file for reading and writing, made O_EXCL with mode (less the umask) and
 * group (gid_t -1: the directory's rule) where it is missing. Never follows a link, never
 * truncates, never opens anything but a regular file (EINVAL).
 */
int open_shared_file(int directory_fd, const char *name, mode_t mode, gid_t group);

/*
 * flock(fd, LOCK_EX), polled: for locks that are held for milliseconds. A process that
 * was stopped while it holds one must not block us: then errno is EWOULDBLOCK.
 */
int lock_within(int fd, int64_t ms) _must_check_;

/* The only user who can write to the file, and so vouches for it; (uid_t)-1: others can,
 * or it is no file. Its owner alone proves nothing: a group's files can be moved. */
uid_t file_writer(const struct stat *status);
/* Whether the next try may succeed: no error that the owner of the file can cause for
 * good. */
bool error_is_passing(int error);
/* Whether both are of one file. */
bool is_same_file(const struct stat *a, const struct stat *b);
/* Whether the path names the file that is open. */
bool file_is_at(int fd, const char *path);

/* Whether the file (with this status) belongs to neither root nor us, and we cannot read
 * it. */
bool file_is_shut(const char *path, const struct stat *status);

/* Gives a nameless file (O_TMPFILE) this name; EEXIST if the name is taken. */
int link_file(int fd, const char *path);
/* The same, but replaces the file of that name; readers always find a complete file. */
int link_file_over(int fd, const char *path);
/* Writes a new file of exactly this mode and moves it to path. */
int write_file_over(const char *path, mode_t mode, const void *data, size_t len);
