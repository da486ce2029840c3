#include "run/front.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/proc.h"
#include "queue/ticket.h"
#include "rebuild/target.h"
#include "run/log.h"
#include "run/orphans.h"
#include "run/relay.h"
#include "run/watch.h"

/* A killed runner's files close just before its lock is gone, so look once more. */
#define LOOK_AGAIN_MS 1000

struct front {
	int socket;
	bool is_agent;
	const struct streams *streams;
	uint64_t build; /* 0: has no number (yet) */
	bool unconfirmed;
	bool passed_on;  /* a signal, and said so */
	bool said_blind; /* that there is nothing to read the output from */
	/* nixos-rebuild's, as a pidfd, and what it writes to; -1: none. */
	int held[STDERR_FILENO + 1];
};

static void leave(struct watch *watch, int signal, uint64_t build)
{
	if (build)
		say("this call has ended, but build %" PRIu64
		    " goes on: safe-rebuild attach %" PRIu64 " (do not start the build "
		    "again)",
			build, build);
	else
		say("this call was ended; the rebuild goes on: safe-rebuild attach (do "
		    "not start the build again)");
	watch->status = EXIT_SIGNAL_BASE + signal;
	watch->left_early = true;
}

static void tell_size(const struct front *front)
{
	struct winsize size = {0};

	if (!front->streams->group ||
		(ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 &&
			ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0))
		return;
	(void)relay_send(front->socket,
		&(struct relay_message){
			.type = RELAY_SIZE, .number = size.ws_col, .len = size.ws_row},
		-1, false);
}

static void pass_signal_on(
	struct watch *watch, const struct signalfd_siginfo *info, void *data)
{
	struct front *front = data;
	const int signal = (int)info->ssi_signo;
	/* The terminal signals our whole group, so nixos-rebuild got it, too. */
	const bool had_it = front->streams->group && info->ssi_code == SI_KERNEL;
	struct relay_message message = {
		.type = had_it ? RELAY_SIGNALLED : RELAY_SIGNAL, .number = signal};

	if (signal == SIGWINCH) {
		tell_size(front);
		return;
	}
	if (front->is_agent || signal == SIGHUP) {
		leave(watch, signal, front->build);
		return;
	}
	if (relay_send(front->socket, &message, -1, false) == 0 && !front->passed_on)
		say("passed SIG%s on to nixos-rebuild, waiting for it to end",
			sigabbrev_np(signal));
	front->passed_on = true;
}

static void take_message(struct watch *watch, struct front *front,
	const struct relay_message *message, int fd)
{
	switch (message->type) {
	case RELAY_SOURCE:
		if (watch->source >= 0)
			close(watch->source);
		watch->source = fd;
		watch->offset = 0;
		if (fd < 0 && !front->said_blind)
			warn("further output cannot be shown here (no descriptor): "
			     "safe-rebuild attach, or safe-rebuild log");
		front->said_blind |= fd < 0;
		return;
	case RELAY_DATA:
		watch->stream =
			message->stream == STDOUT_FILENO ? STDOUT_FILENO : STDERR_FILENO;
		watch->left = message->len;
		return;
	case RELAY_BUILD:
		front->build = message->len;
		return;
	case RELAY_ENDED:
		if (watch->brief)
			watch->brief->holds_own = true;
		return;
	case RELAY_UNCONFIRMED:
		front->unconfirmed = true;
		return;
	case RELAY_EXIT:
		if (watch->brief)
			brief_end(watch->brief, message->number, front->build);
		watch->status = message->number;
		return;
	case RELAY_HOLD:
		closep(&front->held[message->stream]);
		front->held[message->stream] = fd;
		return;
	case RELAY_SIGNAL:
	case RELAY_SIGNALLED:
	case RELAY_SIZE:
		return;
	}
}

/* Writes if somebody reads; does not wait long for a reader that stalls. */
static void write_if_read(int stream, const char *data, size_t len)
{
	struct pollfd reader = {.fd = stream, .events = POLLOUT};

	if (poll(&reader, 1, LOOK_AGAIN_MS) > 0 && !(reader.revents & POLLERR))
		(void)write_all(stream, data, len);
}

static void pass_bytes_on(struct watch *watch, int *held, int stream)
{
	char data[PIPE_BUF];
	const ssize_t got = read(*held, data, sizeof(data));

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (got <= 0) {
		close(*held);
		*held = -1;
	} else if (watch->brief && stream == STDERR_FILENO) {
		struct strbuf *out = &watch->brief->out;

		brief_read(watch->brief, data, (size_t)got);
		write_if_read(stream, out->text, out->len);
		strbuf_drop(out, out->len);
	} else {
		write_if_read(stream, data, (size_t)got);
	}
}

/* In the runner's place, until nixos-rebuild has ended. */
static void drain(struct watch *watch, struct front *front)
{
	bool ended = front->held[STDIN_FILENO] < 0;

	while (!ended) {
		struct pollfd fds[] = {
			{.fd = front->held[STDIN_FILENO], .events = POLLIN},
			{.fd = front->held[STDOUT_FILENO], .events = POLLIN},
			{.fd = front->held[STDERR_FILENO], .events = POLLIN},
		};

		if (poll(fds, ARRAY_LEN(fds), -1) < 0)
			continue;
		for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
			if (fds[fd].revents)
				pass_bytes_on(watch, &front->held[fd], fd);
		ended = fds[0].revents && !fds[1].revents && !fds[2].revents;
	}
}

static void outlive_runner(struct watch *watch, struct front *front)
{
	const bool goes_on = front->held[STDIN_FILENO] >= 0;

	if (goes_on)
		say("the runner of build %" PRIu64
		    " was killed; nixos-rebuild goes on, and the next run will record it",
			front->build);
	/* Signals stay blocked: if we ended now, so would what activates a system. */
	drain(watch, front);
	error("the runner of build %" PRIu64
	      " was killed; to see what became of the rebuild: safe-rebuild status",
		front->build);
	watch->status = EXIT_OWN_FAILURE;
}

static void hear_runner(struct watch *watch, void *data)
{
	struct front *front = data;
	struct relay_message message;
	int fd;
	ssize_t got = relay_receive(front->socket, &message, &fd);

	if (got > 0) {
		take_message(watch, front, &message, fd);
	} else if (got == 0 || errno != EAGAIN) {
		outlive_runner(watch, front);
	}
}

int front_follow(int socket, int signals, bool is_agent, const struct streams *streams,
	uint64_t *ret_unconfirmed)
{
	struct front front = {.socket = socket,
		.is_agent = is_agent,
		.streams = streams,
		.held = {-1, -1, -1}};
	_cleanup_(brief_free) struct brief brief;
	struct watch watch = {
		.signals = signals,
		.events = socket,
		.look_ms = -1,
		.look = hear_runner,
		.signal = pass_signal_on,
		.data = &front,
		.source = -1,
		.brief = streams->brief ? &brief : NULL,
		.one_file = streams->one_file,
		.status = -1,
	};
	int status;

	brief_start(&brief, message_bytes());
	status = watch_build(&watch);
	for (size_t i = 0; i < ARRAY_LEN(front.held); i++)
		closep(&front.held[i]);
	close(socket);
	*ret_unconfirmed = front.unconfirmed ? front.build : 0;
	if (status || !watch.lost)
		return status;
	/* As in Python, and so in nixos-rebuild: a part must not pass for the whole. */
	return fail(EXIT_OUTPUT_LOST, "nixos-rebuild's stdout could not be passed on: %s",
		strerror(watch.lost));
}

struct follower {
	struct ledger *ledger;
	const struct settings *settings;
	const struct build *build;
	struct target target;
	struct process_name runner; /* by its ticket */
};

static void stop_following(
	struct watch *watch, const struct signalfd_siginfo *info, void *data)
{
	const struct follower *follower = data;

	if (info->ssi_signo != SIGWINCH)
		leave(watch, (int)info->ssi_signo, follower->build->number);
}

static int interrupted(uint64_t number)
{
	return fail(EXIT_OWN_FAILURE,
		"build %" PRIu64
		" was interrupted: its runner was killed before it could record how it "
		"ended",
		number);
}

static int final_status(const struct follower *follower)
{
	const uint64_t number = follower->build->number;
	_cleanup_build_ struct build build = BUILD_INIT;
	int found = build_by_number(&build, follower->ledger, number);

	if (found < 0)
		return EXIT_OWN_FAILURE;
	if (!found)
		return fail(EXIT_OWN_FAILURE,
			"how build %" PRIu64 " ended is not recorded", number);
	orphan_judge(&build, follower->settings);
	if (build_is_orphaned(&build, follower->settings))
		return fail(EXIT_OWN_FAILURE,
			"the runner of build %" PRIu64
			" was killed, and nixos-rebuild goes on: safe-rebuild status",
			number);
	if (build_is_running(&build))
		return fail(EXIT_OWN_FAILURE,
			"build %" PRIu64
			" goes on, and cannot be followed from here: safe-rebuild status",
			number);
	if (build.outcome == OUTCOME_INTERRUPTED || build.exit_status == NO_EXIT_STATUS)
		return interrupted(number);
	return build.exit_status;
}

/* A trial has told its caller what to do next, and may last for hours. */
static bool is_unconfirmed(const struct follower *follower)
{
	_cleanup_build_ struct build now = BUILD_INIT;

	return build_read_ticket(&now, follower->build, follower->settings) &&
	       now.phase == PHASE_UNCONFIRMED;
}

/* The turn may end before the last message; the runner ends after it. */
static bool is_alive(const struct follower *follower)
{
	const char *ticket = follower->build->ticket;
	const struct process_name *runner = &follower->runner;

	if (!build_is_running(follower->build) || !ticket)
		return false;
	return ticket_is_alive(follower->target.queue, ticket) ||
	       (runner->pid && !process_has_ended(runner->pid, runner->start_ticks));
}

static void end_with(struct watch *watch, const struct follower *follower, int status)
{
	if (watch->brief)
		brief_end(watch->brief, status, follower->build->number);
	watch->status = status;
}

static int open_log(const struct follower *follower)
{
	_cleanup_free_ char *path = log_path(follower->settings, follower->build->number);

	return open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
}

/* What the log has beyond what was copied, else whether the build is over. */
static void look_at_log(struct watch *watch, void *data)
{
	const struct follower *follower = data;
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	/* Must come first: once the runner is gone, all it wrote is in the log. */
	const bool alive = is_alive(follower);
	struct stat status;

	(void)!read(watch->events, events, sizeof(events));
	if (watch->source < 0)
		watch->source = open_log(follower);
	if (watch->source >= 0 && fstat(watch->source, &status) == 0 &&
		status.st_size > watch->offset)
		watch->left = (uint64_t)(status.st_size - watch->offset);
	else if (!alive)
		end_with(watch, follower, final_status(follower));
	else if (is_unconfirmed(follower))
		end_with(watch, follower, 0);
}

/* Watches the ticket for the runner's end, and the log for more output. */
static int watch_files(const struct follower *follower)
{
	_cleanup_free_ char *ticket = xasprintf("%s/%s", follower->target.queue,
		follower->build->ticket ? follower->build->ticket : "");
	_cleanup_free_ char *log = log_path(follower->settings, follower->build->number);
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	(void)inotify_add_watch(fd, ticket, IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF);
	(void)inotify_add_watch(fd, log, IN_MODIFY);
	return fd;
}

int follow_build(const struct settings *settings, struct ledger *ledger,
	const struct build *build, int stream, bool is_agent)
{
	_cleanup_(brief_free) struct brief brief;
	_cleanup_build_ struct build ticket = BUILD_INIT;
	struct streams streams;
	struct follower follower = {
		.ledger = ledger, .settings = settings, .build = build};
	struct watch watch = {
		.signals = watch_signals(),
		.look_ms = LOOK_AGAIN_MS,
		.look = look_at_log,
		.signal = stop_following,
		.data = &follower,
		.stream = stream,
		.ends_with_reader = true,
		.status = -1,
	};
	int status;

	streams_find(&streams, settings, is_agent);
	brief_start(&brief, message_bytes());
	brief.whole = isatty(stream);
	brief.holds_own = true;
	if (streams.brief || brief.whole)
		watch.brief = &brief;
	follower.target = target_by_name(settings, build->target);
	if (build_read_ticket(&ticket, build, settings))
		follower.runner = ticket.runner;
	watch.events = watch_files(&follower);
	watch.source = open_log(&follower);
	if (watch.source < 0 && !build_is_running(build))
		warn_errno("cannot show the output of build %" PRIu64, build->number);
	/* The watch is set before the first look, so no change in between is missed. */
	look_at_log(&watch, &follower);
	status = watch_build(&watch);
	if (watch.events >= 0)
		close(watch.events);
	target_free(&follower.target);
	if (status || !watch.lost)
		return status;
	return fail(EXIT_OUTPUT_LOST, "the build's output cannot be written: %s",
		strerror(watch.lost));
}
