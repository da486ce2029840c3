#pragma once
/*
 * Reading and writing descriptors whole, and opening files where others may have placed
 * traps. Functions return -1 with errno set and print nothing: the caller knows the
 * subject.
 */
#include <stddef.h>
#include <sys/types.h>

#include "base/macro.h"

/*
 * Leaves stdin, stdout and stderr open, whatever they were, and nothing else: a file
 * opened later can neither become stderr, nor can a lock or a pipe that the caller has
 * left open be kept by what we leave running.
 */
void keep_standard_descriptors_only(void);
/* Closes all above stderr but these, which it sorts. */
void close_all_but(int *keep, size_t len);

int write_all(int fd, const void *data, size_t len);

/*
 * Reads to the end of fd, at most max bytes (EFBIG above that), into a new buffer with a
 * NUL behind it. The caller frees *ret.
 */
int read_to_end(int fd, size_t max, char **ret, size_t *ret_len) _must_check_;

/*
 * openat2(2) that never leaves directory_fd and follows no symbolic link, not even in the
 * middle of path (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
 * Linux 5.6); O_CLOEXEC and O_NOFOLLOW are added. glibc has no wrapper for it.
 */
int open_beneath(int directory_fd, const char *path, int flags);

/* What the symbolic link says, NULL with errno set where it cannot be read. */
char *read_link_at(int directory_fd, const char *path) _must_check_;

/* mkdir -p, exactly this mode for what is missing; an existing directory is left as it
 * is. */
int make_directories(const char *path, mode_t mode);

bool is_empty_directory(const char *path);

/*
 * Makes directory path with exactly this mode, owner and group (-1: as it comes), or
 * finds it there; root then gives it mode and group again. Nobody ever sees it half made,
 * and of two processes at once each succeeds.
 */
int make_shared_directory(const char *path, mode_t mode, uid_t user, gid_t group);

/*
 * Opens the file for reading and writing, made O_EXCL with mode (less the umask) and
 * group (gid_t -1: the directory's rule) where it is missing. Never follows a link, never
 * truncates.
 */
int open_shared_file(int directory_fd, const char *name, mode_t mode, gid_t group);

/* Gives a file without a name (O_TMPFILE) this one; EEXIST where there is one already. */
int link_file(int fd, const char *path);
/* The same in place of whatever has the name, which never stands for less than a whole
 * file. */
int link_file_over(int fd, const char *path);
/* A new file of exactly this mode in that place. */
int write_file_over(const char *path, mode_t mode, const void *data, size_t len);
