#include "run/watch.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/signalfd.h>

#include "base/child.h"
#include "base/message.h"

int watch_signals(void)
{
	static const int watched[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, 0};

	return signals_watch(watched, NULL);
}

/* A full disk still leaves the outcome to wait for. */
static void lose_stream(struct watch *watch, int reason)
{
	watch->gone[watch->stream] = true;
	if (watch->ends_with_reader && reason == EPIPE)
		watch->status = EXIT_SIGNAL_BASE + SIGPIPE;
}

/* A pipe that polls writable has room for PIPE_BUF bytes: this never blocks on one. */
static void copy_some(struct watch *watch)
{
	char data[PIPE_BUF];
	size_t want = watch->left < sizeof(data) ? (size_t)watch->left : sizeof(data);
	ssize_t got = pread(watch->source, data, want, watch->offset), written;

	if (got <= 0) {
		if (got == 0 || errno != EINTR)
			watch->left = 0;
		return;
	}
	written = watch->gone[watch->stream] ? got
					     : write(watch->stream, data, (size_t)got);
	if (written < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (written < 0) {
		lose_stream(watch, errno);
		written = got;
	}
	watch->offset += written;
	watch->left -= (uint64_t)written;
}

static void hear_signal(struct watch *watch)
{
	struct signalfd_siginfo info;

	if (read(watch->signals, &info, sizeof(info)) == sizeof(info))
		watch->signal(watch, (int)info.ssi_signo, watch->data);
}

static void wait_and_handle(struct watch *watch)
{
	const bool copying = watch->left > 0;
	/* Once a stream is gone its bytes are skipped: there is nothing to wait for. */
	const bool skipping = copying && watch->gone[watch->stream];
	struct pollfd fds[] = {
		{.fd = watch->signals, .events = POLLIN},
		{.fd = copying ? -1 : watch->events, .events = POLLIN},
		{.fd = (copying && !skipping) || watch->ends_with_reader ? watch->stream
									 : -1,
			.events = copying ? POLLOUT : 0},
	};

	if (poll(fds, ARRAY_LEN(fds), skipping ? 0 : copying ? -1 : watch->look_ms) < 0)
		return;
	if (fds[0].revents)
		hear_signal(watch);
	else if (fds[2].revents & POLLERR)
		lose_stream(watch, EPIPE);
	else if (copying)
		copy_some(watch);
	else
		watch->look(watch, watch->data);
}

int watch_build(struct watch *watch)
{
	while (watch->status < 0)
		wait_and_handle(watch);
	if (watch->source >= 0)
		close(watch->source);
	if (watch->signals >= 0)
		close(watch->signals);
	return watch->status;
}
