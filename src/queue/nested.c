#include "queue/nested.h"

#include "base/memory.h"
#include "base/proc.h"
#include "queue/lock.h"
#include "queue/ticket.h"

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
