#include "run/notice.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/file.h"
#include "record/json.h"

#define DEADLINE_MS 10000

/* A file with the event in it, to be read from its start; -1. */
static int put_event(const char *event, const struct build *build)
{
	_cleanup_close_ int fd = memfd_create("safe-rebuild-notice", MFD_CLOEXEC);
	json_t *object = json_answer();
	int result;

	json_object_set_new(object, "event", json_text(event));
	json_object_set_new(object, "record", json_build(build));
	result = json_dumpfd(object, fd, JSON_ENSURE_ASCII | JSON_COMPACT);
	json_decref(object);
	if (fd < 0 || result < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return -1;
	return TAKE_FD(fd);
}

/* Nothing of ours is kept open, least of all the lock. */
static _noreturn_ void run_command(
	const struct settings *settings, const struct surroundings *surroundings, int fd)
{
	struct child child = {
		.program = settings->notify_command.words[0],
		.argv = settings->notify_command.words,
		.surroundings = surroundings,
		.stdio = {fd, -1, -1},
	};

	close_all_but(&fd, 1);
	setsid();
	(void)!child_run(&child, DEADLINE_MS);
	_exit(0);
}

void notice_send(const struct settings *settings, const struct surroundings *surroundings,
	const char *event, const struct build *build)
{
	_cleanup_close_ int fd = -1;
	pid_t pid;

	if (!settings->notify_command.len)
		return;
	fd = put_event(event, build);
	if (fd < 0)
		return;
	pid = fork();
	if (pid == 0) {
		if (fork() == 0)
			run_command(settings, surroundings, fd);
		_exit(0);
	}
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}
