#include "queue/lock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/file.h"
#include "base/memory.h"
#include "caller/process.h"

static char *lock_path(const char *directory)
{
	return xasprintf("%s/lock", directory);
}

int lock_open(const char *directory, const struct settings *settings)
{
	_cleanup_free_ char *path = lock_path(directory);
	gid_t group = (gid_t)-1;

	/* Who is in which group may be asked of the network: only where it matters. */
	if (geteuid() == 0 && access(path, F_OK) < 0)
		group = settings_group(settings);

	return open_shared_file(AT_FDCWD, path, 0660, group);
}

bool lock_is_current(const char *directory, int fd)
{
	_cleanup_free_ char *path = lock_path(directory);
	struct stat opened, named;

	return fstat(fd, &opened) == 0 && stat(path, &named) == 0 &&
	       opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

/*
 * A line of /proc/locks, or of fdinfo behind its "lock:": "1: FLOCK  ADVISORY  WRITE 4711
 * fd:00:1234 0 EOF", device numbers in hexadecimal. Returns the pid that took the lock, 0
 * where the line is about another file or only waits ("->").
 */
static pid_t lock_line_pid(const char *line, const struct stat *lock)
{
	unsigned major_number, minor_number;
	unsigned long inode;
	int pid;

	if (sscanf(line, " %*d: FLOCK %*s WRITE %d %x:%x:%lu", &pid, &major_number,
		    &minor_number, &inode) != 4)
		return 0;
	if (inode != lock->st_ino || major(lock->st_dev) != major_number ||
		minor(lock->st_dev) != minor_number)
		return 0;
	return pid ? pid : -1;
}

static bool process_has_lock(pid_t pid, const struct stat *lock)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/fdinfo", (int)pid);
	_cleanup_closedir_ DIR *directory = opendir(path);
	const struct dirent *found;

	while (directory && (found = readdir(directory))) {
		_cleanup_close_ int fd =
			openat(dirfd(directory), found->d_name, O_RDONLY | O_CLOEXEC);
		_cleanup_free_ char *text = NULL;
		const char *line;

		if (*found->d_name == '.' || fd < 0 ||
			read_to_end(fd, 65536, &text, NULL) < 0)
			continue;
		for (line = text; (line = strstr(line, "lock:")); line++)
			if (lock_line_pid(line + strlen("lock:"), lock))
				return true;
	}
	return false;
}

bool lock_is_held_by_ancestor(int fd)
{
	struct process process;
	struct stat lock;

	if (fstat(fd, &lock) < 0 || !process_read(&process, getpid()))
		return false;
	while (process_climb(&process)) {
		if (process_has_lock(process.pid, &lock))
			return true;
	}
	return false;
}

void lock_list_holders(struct strv *ret, const char *directory)
{
	_cleanup_free_ char *path = lock_path(directory), *line = NULL;
	_cleanup_fclose_ FILE *locks = fopen("/proc/locks", "re");
	struct stat lock;
	size_t size = 0;

	*ret = (struct strv){0};
	if (!locks || stat(path, &lock) < 0)
		return;
	while (getline(&line, &size, locks) > 0) {
		pid_t pid = lock_line_pid(line, &lock);
		struct process process;

		if (!pid)
			continue;
		/* In a pid namespace the kernel gives no number for those outside. */
		if (pid > 0 && process_read(&process, pid))
			strv_take(ret, xasprintf("%s (pid %d)", process.comm, (int)pid));
		else
			strv_add(ret, "a process that cannot be seen from here");
	}
}
