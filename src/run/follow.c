#include "run/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"
#include "queue/queue.h"
#include "run/front.h"
#include "run/log.h"
#include "run/reap.h"

/* The end of a killed runner shows a moment before its lock is gone, and nothing follows.
 */
#define LOOK_AGAIN_MS 1000

struct follower {
	const struct settings *settings;
	const struct build *build;
	int stream;
	bool gone; /* nobody reads it: the outcome is still worth waiting for */
	int log;   /* -1: not there yet */
	int signals;
};

/* Copies from where the log stands to its present end. */
static void copy_log(struct follower *follower)
{
	char data[65536];
	ssize_t got;

	while ((got = read(follower->log, data, sizeof(data))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			break;
		follower->gone = follower->gone ||
				 write_all(follower->stream, data, (size_t)got) < 0;
	}
}

static int open_log(const struct follower *follower)
{
	_cleanup_free_ char *path =
		log_path(follower->settings, build_number(follower->build));

	return open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

static int leave(const struct follower *follower)
{
	struct signalfd_siginfo info;

	if (read(follower->signals, &info, sizeof(info)) != sizeof(info))
		return 0;
	say_build_goes_on(build_number(follower->build));
	return EXIT_SIGNAL_BASE + (int)info.ssi_signo;
}

/* Until something may have changed. Returns 0, or the exit status where the following is
 * over: a signal came, or the stream is a pipe that nobody reads any more. */
static int wait_for_event(const struct follower *follower, int inotify)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	struct pollfd fds[] = {
		{.fd = inotify, .events = POLLIN},
		{.fd = follower->signals, .events = POLLIN},
		{.fd = follower->stream},
	};

	(void)poll(fds, ARRAY_LEN(fds), LOOK_AGAIN_MS);
	if (fds[0].revents & POLLIN)
		(void)!read(inotify, events, sizeof(events));
	if (fds[1].revents)
		return leave(follower);
	return fds[2].revents & POLLERR ? EXIT_SIGNAL_BASE + SIGPIPE : 0;
}

static int follow_running(struct follower *follower)
{
	const struct record *record = &follower->build->record;
	_cleanup_free_ char *queue =
		queue_directory(follower->settings, record_get(record, "Target"));
	const char *name = record_get(record, "Ticket");
	_cleanup_free_ char *ticket = xasprintf("%s/%s", queue, name ? name : "");
	_cleanup_free_ char *log_name =
		log_path(follower->settings, build_number(follower->build));
	_cleanup_close_ int inotify = inotify_init1(IN_CLOEXEC);
	int status = 0;

	/* Watched before the first look: what changes in between is still in the queue.
	 */
	(void)inotify_add_watch(
		inotify, ticket, IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF);
	(void)inotify_add_watch(inotify, log_name, IN_MODIFY);
	while (!status && name && ticket_is_alive(queue, name)) {
		if (follower->log < 0)
			follower->log = open_log(follower);
		if (follower->log >= 0)
			copy_log(follower);
		status = wait_for_event(follower, inotify);
	}
	return status;
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

static int follow(struct follower *follower, struct ledger *ledger)
{
	const struct build *build = follower->build;
	int status = 0;

	if (follower->log < 0 && !build_is_running(build))
		warn_errno(
			"cannot show the output of build %" PRIu64, build_number(build));
	if (build_is_running(build))
		status = follow_running(follower);
	if (status)
		return status;
	if (follower->log >= 0)
		copy_log(follower);
	return final_status(follower->settings, ledger, build_number(build));
}

int follow_build(const struct settings *settings, struct ledger *ledger,
	const struct build *build, int stream)
{
	struct follower follower = {
		.settings = settings,
		.build = build,
		.stream = stream,
		.signals = front_watch_signals(),
	};
	int status;

	follower.log = open_log(&follower);
	status = follow(&follower, ledger);
	if (follower.log >= 0)
		close(follower.log);
	close(follower.signals);
	return status;
}
