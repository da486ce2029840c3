#include "run/front.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "base/message.h"
#include "base/signals.h"
#include "run/relay.h"

struct front {
	int socket, signals;
	bool is_agent;
	int source; /* what the runner last told us to read; -1: nothing yet */
	off_t offset;
	int stream; /* of the bytes that are left to copy */
	uint64_t left;
	bool gone[STDERR_FILENO + 1]; /* streams that nobody reads any more */
	uint64_t build;               /* 0: has no number (yet) */
	bool passed_on;               /* a signal, and said so */
	int status;                   /* -1: not over */
};

/* A pipe that polls writable has room for PIPE_BUF bytes: this never blocks on one. */
static void copy_some(struct front *front)
{
	char data[PIPE_BUF];
	size_t want = front->left < sizeof(data) ? (size_t)front->left : sizeof(data);
	ssize_t got = pread(front->source, data, want, front->offset), written;

	if (got <= 0) {
		if (got < 0 && errno == EINTR)
			return;
		front->left = 0;
		return;
	}
	if (front->gone[front->stream]) {
		written = got;
	} else {
		written = write(front->stream, data, (size_t)got);
		if (written < 0 && (errno == EINTR || errno == EAGAIN))
			return;
		if (written < 0) {
			front->gone[front->stream] = true;
			written = got;
		}
	}
	front->offset += written;
	front->left -= (uint64_t)written;
}

void say_build_goes_on(uint64_t number)
{
	if (number)
		say("this call was ended; build %" PRIu64
		    " goes on: safe-rebuild attach %" PRIu64 " (do not start it again)",
			number, number);
	else
		say("this call was ended; the rebuild goes on: safe-rebuild attach (do not "
		    "start it again)");
}

static void leave(struct front *front, int signal)
{
	say_build_goes_on(front->build);
	front->status = EXIT_SIGNAL_BASE + signal;
}

static void handle_signal(struct front *front)
{
	struct signalfd_siginfo info;
	struct relay_message message = {.type = RELAY_SIGNAL};

	if (read(front->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (front->is_agent || info.ssi_signo == SIGHUP) {
		leave(front, (int)info.ssi_signo);
		return;
	}
	message.number = (int)info.ssi_signo;
	if (relay_send(front->socket, &message, -1, false) == 0 && !front->passed_on)
		say("passed SIG%s on to nixos-rebuild, waiting for it to end",
			sigabbrev_np((int)info.ssi_signo));
	front->passed_on = true;
}

static void handle_message(struct front *front)
{
	struct relay_message message;
	int fd;
	ssize_t got = relay_receive(front->socket, &message, &fd);

	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0) {
		error("the runner of build %" PRIu64
		      " was killed; what became of the rebuild: "
		      "safe-rebuild status",
			front->build);
		front->status = EXIT_OWN_FAILURE;
		return;
	}
	switch (message.type) {
	case RELAY_SOURCE:
		if (front->source >= 0)
			close(front->source);
		front->source = fd;
		front->offset = 0;
		return;
	case RELAY_DATA:
		front->stream =
			message.stream == STDOUT_FILENO ? STDOUT_FILENO : STDERR_FILENO;
		front->left = message.len;
		return;
	case RELAY_BUILD:
		front->build = message.len;
		return;
	case RELAY_EXIT:
		front->status = message.number;
		return;
	case RELAY_SIGNAL:
		return;
	}
}

static void wait_and_handle(struct front *front)
{
	const bool copying = front->left > 0;
	struct pollfd fds[] = {
		{.fd = front->signals, .events = POLLIN},
		{.fd = copying ? front->stream : front->socket,
			.events = copying ? POLLOUT : POLLIN},
	};

	/* Once a stream is gone its bytes are skipped: there is nothing to wait for. */
	if (copying && front->gone[front->stream])
		fds[1].fd = -1;
	if (poll(fds, ARRAY_LEN(fds), fds[1].fd < 0 ? 0 : -1) < 0)
		return;
	if (fds[0].revents)
		handle_signal(front);
	else if (copying)
		copy_some(front);
	else if (fds[1].revents)
		handle_message(front);
}

int front_watch_signals(void)
{
	static const int watched[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, 0};

	return signals_watch(watched, NULL);
}

int front_follow(int socket, int signals, bool is_agent)
{
	struct front front = {
		.socket = socket,
		.signals = signals,
		.source = -1,
		.is_agent = is_agent,
		.status = -1,
	};

	while (front.status < 0)
		wait_and_handle(&front);
	if (front.source >= 0)
		close(front.source);
	close(front.signals);
	close(front.socket);
	return front.status;
}
