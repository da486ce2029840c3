#include "queue/lock.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/proc.h"

static char *lock_path(const char *directory)
{
	return xasprintf("%s/lock", directory);
}

int lock_open(const char *directory, gid_t group)
{
	_cleanup_free_ char *path = lock_path(directory);

	return open_shared_file(AT_FDCWD, path, LOCK_MODE, group);
}

bool lock_is_current(const char *directory, int fd)
{
	_cleanup_free_ char *path = lock_path(directory);
	struct stat opened, named;

	return fstat(fd, &opened) == 0 && stat(path, &named) == 0 &&
	       opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

bool lock_is_held_by_ancestor(const char *directory)
{
	_cleanup_free_ char *path = lock_path(directory);
	struct process process;
	struct stat lock;

	if (stat(path, &lock) < 0 || !process_read(&process, getpid()))
		return false;
	while (process_climb(&process)) {
		if (proc_has_locked(process.pid, &lock))
			return true;
	}
	return false;
}

char *lock_describe_holder(const char *directory)
{
	_cleanup_free_ char *path = lock_path(directory);
	struct process process;
	struct stat lock;
	pid_t pid;

	if (stat(path, &lock) < 0)
		return NULL;
	pid = proc_locks_holder(&lock);
	if (!pid)
		return NULL;
	if (pid > 0 && process_read(&process, pid))
		return xasprintf("%s (pid %d)", process.comm, (int)pid);
	return xstrdup("a process that cannot be seen from here");
}
