/*
 * queue-holder SETTINGS COMMAND ...: runs the command in its turn, as "flock LOCK
 * COMMAND" would, with our queue and nothing else of a run. For tests/bench/queue.
 */
#include <errno.h>
#include <spawn.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "queue/queue.h"

extern char **environ;

int main(int argc, char **argv)
{
	struct settings settings;
	struct record record = {0};
	struct turn turn = TURN_NONE;
	const struct queue_call call = {
		.settings = &settings,
		.target = "system",
		.record = &record,
		.is_agent = true,
		.wait_ms = FOREVER_MS,
	};
	int status;
	pid_t pid;

	if (argc < 3 || settings_read(&settings, argv[1]) < 0)
		return 64;
	record_set(&record, "Agent", "bench");
	status = queue_enter(&turn, &call);
	if (status)
		return status;
	if (posix_spawnp(&pid, argv[2], NULL, NULL, argv + 2, environ) == 0)
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	queue_leave(&turn);
	return status != 0;
}
