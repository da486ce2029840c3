#include "queue/nested.h"

#include "base/memory.h"
#include "caller/caller.h"
#include "caller/process.h"
#include "queue/ticket.h"

char *nested_runner(void)
{
	struct process self;

	if (!process_read(&self, getpid()))
		return NULL;
	return xasprintf("%d %llu", (int)self.pid, self.start_ticks);
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

static bool is_ancestor(const char *runner)
{
	unsigned long long start;
	struct process process;
	int pid;

	return sscanf(runner, "%d %llu", &pid, &start) == 2 && process_is_ancestor(pid) &&
	       process_read(&process, pid) && process.start_ticks == start;
}

bool nested_is_inside(const char *queue)
{
	struct record *tickets;
	bool inside = false;
	size_t len;

	if (is_marked(queue))
		return true;
	if (tickets_read(&tickets, &len, queue) < 0)
		return false;
	for (size_t i = 0; i < len && !inside; i++) {
		const char *runner = record_get(&tickets[i], "Runner");

		inside = runner && is_ancestor(runner);
	}
	tickets_free(tickets, len);
	return inside;
}
