#include "queue/nested.h"

#include "base/memory.h"
#include "base/proc.h"
#include "caller/caller.h"
#include "queue/ticket.h"

struct process_name nested_name(pid_t pid)
{
	struct process process;

	if (!process_read(&process, pid))
		return (struct process_name){0};
	return (struct process_name){pid, process.start_ticks};
}

void nested_mark(const char *queue, const char *ticket)
{
	_cleanup_free_ char *marker = xasprintf("%s/%s", queue, ticket);

	setenv(NESTED_MARKER, marker, true);
}

static bool is_marked(const char *queue)
{
	_cleanup_free_ char *marker = caller_variable(NESTED_MARKER);
	const size_t len = strlen(queue);

	return marker && strncmp(marker, queue, len) == 0 && marker[len] == '/' &&
	       ticket_is_alive(queue, marker + len + 1);
}

static bool is_ancestor(const struct process_name *runner)
{
	struct process process;

	return runner->pid && process_is_ancestor(runner->pid) &&
	       process_read(&process, runner->pid) &&
	       process.start_ticks == runner->start_ticks;
}

bool nested_is_inside(const char *queue)
{
	_cleanup_builds_ struct builds tickets = {0};

	if (is_marked(queue))
		return true;
	if (tickets_read(&tickets, queue) < 0)
		return false;
	for (size_t i = 0; i < tickets.len; i++)
		if (is_ancestor(&tickets.list[i].runner))
			return true;
	return false;
}
