#include "run/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"
#include "queue/queue.h"
#include "run/log.h"
#include "run/reap.h"

/* The end of a killed runner shows a moment before its lock is gone, and nothing follows.
 */
#define LOOK_AGAIN_MS 1000

/* Copies from where fd stands to its present end. A reader that goes ends no build. */
static void copy_to_stdout(int fd)
{
	static bool gone; /* a full disk, say: the outcome is still worth waiting for */
	char data[65536];
	ssize_t got;

	while ((got = read(fd, data, sizeof(data))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			break;
		gone = gone || write_all(STDOUT_FILENO, data, (size_t)got) < 0;
	}
}

static int open_log(const struct settings *settings, const struct build *build)
{
	_cleanup_free_ char *path = log_path(settings, build_number(build));

	return open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

/* Until something may have changed; false when stdout is a pipe that nobody reads any
 * more. */
static bool wait_for_event(int inotify)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	struct pollfd fds[] = {
		{.fd = inotify, .events = POLLIN},
		{.fd = STDOUT_FILENO},
	};

	(void)poll(fds, ARRAY_LEN(fds), LOOK_AGAIN_MS);
	if (fds[0].revents & POLLIN)
		(void)!read(inotify, events, sizeof(events));
	return !(fds[1].revents & POLLERR);
}

static bool follow_running(
	const struct settings *settings, const struct build *build, int *log)
{
	_cleanup_free_ char *queue =
		queue_directory(settings, record_get(&build->record, "Target"));
	const char *name = record_get(&build->record, "Ticket");
	_cleanup_free_ char *ticket = xasprintf("%s/%s", queue, name ? name : "");
	_cleanup_free_ char *log_name = log_path(settings, build_number(build));
	_cleanup_close_ int inotify = inotify_init1(IN_CLOEXEC);

	/* Watched before the first look: what changes in between is still in the queue.
	 */
	(void)inotify_add_watch(
		inotify, ticket, IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF);
	(void)inotify_add_watch(inotify, log_name, IN_MODIFY);
	while (name && ticket_is_alive(queue, name)) {
		if (*log < 0)
			*log = open_log(settings, build);
		if (*log >= 0)
			copy_to_stdout(*log);
		if (!wait_for_event(inotify))
			return false;
	}
	return true;
}

static int final_status(
	const struct settings *settings, struct ledger *ledger, uint64_t number)
{
	_cleanup_build_ struct build build = {0};
	int found = build_by_number(&build, ledger, number);

	if (found <= 0)
		return EXIT_OWN_FAILURE;
	if (build_is_running(&build) && !reap_is_dead(&build, settings)) {
		error("build %" PRIu64
		      " goes on, and cannot be followed from here: safe-rebuild "
		      "status",
			number);
		return EXIT_OWN_FAILURE;
	}
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
	_cleanup_close_ int log = open_log(settings, build);

	if (log < 0 && !build_is_running(build))
		warn_errno(
			"cannot show the output of build %" PRIu64, build_number(build));
	if (build_is_running(build) && !follow_running(settings, build, &log))
		return EXIT_SIGNAL_BASE + SIGPIPE;
	if (log >= 0)
		copy_to_stdout(log);
	return final_status(settings, ledger, build_number(build));
}
