#include "run/watch.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/signalfd.h>

#include "base/child.h"
#include "base/message.h"

int watch_signals(void)
{
	static const int watched[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, 0};

	return signals_watch(watched, NULL);
}

/* If the descriptor was closed from the start, nobody wanted the output. */
static void note_lost(struct watch *watch, int stream, int reason)
{
	if ((stream == STDOUT_FILENO || watch->one_file) && reason != EBADF)
		watch->lost = reason;
}

/* With a full disk there is still the outcome to wait for. */
static void lose_stream(struct watch *watch, int stream, int reason)
{
	watch->gone[stream] = true;
	note_lost(watch, stream, reason);
	if (watch->ends_with_reader && reason == EPIPE)
		watch->status = EXIT_SIGNAL_BASE + SIGPIPE;
}

static int brief_stream(const struct watch *watch)
{
	return watch->ends_with_reader ? watch->stream : STDERR_FILENO;
}

static bool is_brief(const struct watch *watch)
{
	return watch->brief && watch->stream == brief_stream(watch);
}

/*
 * A pipe that polls writable has room for PIPE_BUF bytes: this never blocks on one. The
 * bytes that are done with.
 */
static ssize_t write_some(struct watch *watch, int stream, const char *data, size_t len)
{
	ssize_t written = (ssize_t)len;

	if (!watch->gone[stream])
		written = write(stream, data, len < PIPE_BUF ? len : PIPE_BUF);
	if (written >= 0)
		return written;
	if (errno == EINTR || errno == EAGAIN)
		return 0;
	/* A later message may fit again; a part of stdout must not pass for all of it. */
	if (stream == STDERR_FILENO &&
		(errno == ENOSPC || errno == EDQUOT || errno == EIO)) {
		note_lost(watch, stream, errno);
		return (ssize_t)len;
	}
	lose_stream(watch, stream, errno);
	return (ssize_t)len;
}

static void copy_some(struct watch *watch)
{
	char data[PIPE_BUF];
	size_t want = watch->left < sizeof(data) ? (size_t)watch->left : sizeof(data);
	ssize_t got = pread(watch->source, data, want, watch->offset);

	if (got <= 0) {
		if (got == 0 || errno != EINTR)
			watch->left = 0;
		return;
	}
	if (is_brief(watch))
		brief_read(watch->brief, data, (size_t)got);
	else
		got = write_some(watch, watch->stream, data, (size_t)got);
	if (got > 0 && watch->stream == STDOUT_FILENO)
		watch->in_line = data[got - 1] != '\n';
	watch->offset += got;
	watch->left -= (uint64_t)got;
}

static void put_brief(struct watch *watch)
{
	struct strbuf *out = &watch->brief->out;

	if (watch->one_file && watch->in_line &&
		write_some(watch, brief_stream(watch), "\n", 1) < 1)
		return;
	watch->in_line = false;
	strbuf_drop(
		out, (size_t)write_some(watch, brief_stream(watch), out->text, out->len));
}

static void hear_signal(struct watch *watch)
{
	struct signalfd_siginfo info;

	if (read(watch->signals, &info, sizeof(info)) == sizeof(info))
		watch->signal(watch, &info, watch->data);
}

/* Until something happens, or there is to be a sign of life. */
static int time_to_wait(const struct watch *watch)
{
	const int alive = watch->brief ? brief_wait_ms(watch->brief) : -1;

	return watch->look_ms < 0 || (alive >= 0 && alive < watch->look_ms)
		       ? alive
		       : watch->look_ms;
}

static void wait_and_handle(struct watch *watch)
{
	const bool has_brief = watch->brief && watch->brief->out.len;
	const bool copying = has_brief || watch->left > 0;
	const int stream = has_brief ? brief_stream(watch) : watch->stream;
	/* What goes nowhere, or only into memory, is not waited for. */
	const bool at_once =
		copying && (watch->gone[stream] || (!has_brief && is_brief(watch)));
	struct pollfd fds[] = {
		{.fd = watch->signals, .events = POLLIN},
		{.fd = copying ? -1 : watch->events, .events = POLLIN},
		{.fd = (copying && !at_once) || watch->ends_with_reader ? stream : -1,
			.events = copying ? POLLOUT : 0},
	};

	if (poll(fds, ARRAY_LEN(fds),
		    at_once   ? 0
		    : copying ? -1
			      : time_to_wait(watch)) < 0)
		return;
	if (fds[0].revents)
		hear_signal(watch);
	else if (fds[2].revents & POLLERR)
		lose_stream(watch, stream, EPIPE);
	else if (has_brief)
		put_brief(watch);
	else if (copying)
		copy_some(watch);
	else if (watch->brief && !fds[1].revents && !brief_wait_ms(watch->brief))
		brief_be_alive(watch->brief);
	else
		watch->look(watch, watch->data);
}

static bool has_more_to_say(const struct watch *watch)
{
	return watch->brief && watch->brief->out.len && !watch->left_early &&
	       !watch->gone[brief_stream(watch)];
}

int watch_build(struct watch *watch)
{
	while (watch->status < 0 || has_more_to_say(watch))
		wait_and_handle(watch);
	if (watch->source >= 0)
		close(watch->source);
	if (watch->signals >= 0)
		close(watch->signals);
	return watch->status;
}
