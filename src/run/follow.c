#include "run/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/inotify.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"
#include "queue/queue.h"
#include "run/log.h"

/* Copies from where fd stands to its present end; false when stdout is gone. */
static bool copy_to_stdout(int fd)
{
	char data[65536];
	ssize_t got;

	while ((got = read(fd, data, sizeof(data))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			break;
		if (write_all(STDOUT_FILENO, data, (size_t)got) < 0)
			return false;
	}
	return true;
}

/*
 * Waits until something may have changed. An inotify event about the ticket can come a
 * moment before its lock is gone, but closing also unlinks or ends it, which is an event.
 */
static void wait_for_event(int inotify)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t got = read(inotify, events, sizeof(events));

	(void)got;
}

static void follow_running(
	const struct settings *settings, const struct build *build, int log)
{
	_cleanup_free_ char *queue =
		queue_directory(settings, record_get(&build->record, "Target"));
	const char *name = record_get(&build->record, "Ticket");
	_cleanup_free_ char *ticket = xasprintf("%s/%s", queue, name ? name : "");
	_cleanup_free_ char *log_name = log_path(settings, build_number(build));
	_cleanup_close_ int inotify = inotify_init1(IN_CLOEXEC);

	/* Watched before the first look: what changes in between is still in the queue.
	 */
	if (inotify < 0 || !name ||
		inotify_add_watch(
			inotify, ticket, IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF) < 0)
		return;
	(void)inotify_add_watch(inotify, log_name, IN_MODIFY);
	while (ticket_is_alive(queue, name)) {
		if (log >= 0 && !copy_to_stdout(log))
			return;
		wait_for_event(inotify);
	}
}

static int final_status(struct ledger *ledger, uint64_t number)
{
	_cleanup_build_ struct build build = {0};
	int found = build_by_number(&build, ledger, number);

	if (found <= 0)
		return EXIT_OWN_FAILURE;
	if (build_is_running(&build)) {
		error("build %" PRIu64
		      " was interrupted: its runner was killed before it could "
		      "record how it ended",
			number);
		return EXIT_OWN_FAILURE;
	}
	return (int)record_get_number(&build.record, "Exit-Status");
}

int follow_build(
	const struct settings *settings, struct ledger *ledger, const struct build *build)
{
	_cleanup_free_ char *path = log_path(settings, build_number(build));
	_cleanup_close_ int log = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (log < 0)
		warn_errno("cannot show the output of build %" PRIu64 ", '%s'",
			build_number(build), path);
	if (build_is_running(build))
		follow_running(settings, build, log);
	if (log >= 0)
		copy_to_stdout(log);
	return final_status(ledger, build_number(build));
}
