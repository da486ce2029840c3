#include "queue/lock.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/proc.h"
#include "queue/ticket.h"

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

	return file_is_at(fd, path);
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

struct process_name nested_name(pid_t pid)
{
	struct process process;

	if (!process_read(&process, pid))
		return (struct process_name){0};
	return (struct process_name){pid, process.start_ticks};
}

static bool is_ancestor(const struct process_name *runner)
{
	struct process process;

	return runner->pid && process_is_ancestor(runner->pid) &&
	       process_read(&process, runner->pid) &&
	       process.start_ticks == runner->start_ticks;
}

static bool holds_ticket(const struct build *ticket, const char *queue)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", queue, ticket->ticket);
	struct stat file;

	return getuid() != 0 ||
	       (lstat(path, &file) == 0 && proc_has_locked(ticket->runner.pid, &file));
}

bool nested_is_inside(const struct target *target, bool needs_lock)
{
	_cleanup_builds_ struct builds tickets = {0};

	if (tickets_read(&tickets, target->queue) < 0)
		return false;
	for (size_t i = 0; i < tickets.len; i++)
		if (is_ancestor(&tickets.list[i].runner) &&
			holds_ticket(&tickets.list[i], target->queue))
			return !needs_lock || getuid() != 0 ||
			       lock_is_held_by_ancestor(target->directory);
	return false;
}
