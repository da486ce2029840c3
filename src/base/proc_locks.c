#include "base/proc_locks.h"

#include <fcntl.h>
#include <sys/sysmacros.h>

#include "base/file.h"
#include "base/memory.h"

/* The first pid namespace's inode (PROC_PID_INIT_INO in the kernel's proc_ns.h). */
#define FIRST_PID_NAMESPACE "pid:[4026531836]"

/*
 * A line of /proc/locks, or of fdinfo behind its "lock:": "1: FLOCK  ADVISORY  WRITE 4711
 * fd:00:1234 0 EOF", device numbers in hexadecimal. Returns the pid that took the lock, 0
 * where the line is about another file or only waits ("->").
 */
static pid_t line_pid(const char *line, const struct stat *file)
{
	unsigned major_number, minor_number;
	unsigned long inode;
	int pid;

	if (sscanf(line, " %*d: FLOCK %*s WRITE %d %x:%x:%lu", &pid, &major_number,
		    &minor_number, &inode) != 4)
		return 0;
	if (inode != file->st_ino || major(file->st_dev) != major_number ||
		minor(file->st_dev) != minor_number)
		return 0;
	return pid ? pid : -1;
}

pid_t proc_locks_holder(const struct stat *file)
{
	_cleanup_fclose_ FILE *locks = fopen("/proc/locks", "re");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	pid_t holder = 0;

	while (locks && !holder && getline(&line, &size, locks) > 0)
		holder = line_pid(line, file);
	return holder;
}

bool proc_locks_are_complete(void)
{
	_cleanup_free_ char *namespace = read_link_at(AT_FDCWD, "/proc/self/ns/pid");

	return namespace && streq(namespace, FIRST_PID_NAMESPACE);
}

bool proc_has_locked(pid_t pid, const struct stat *file)
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
			if (line_pid(line + strlen("lock:"), file))
				return true;
	}
	return false;
}
