#include "run/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/screen.h"

int relay_pair(int *ret_runner, int *ret_front)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return -1;
	*ret_runner = fds[0];
	*ret_front = fds[1];
	return 0;
}

/* A shortage in the kernel passes; the other end is still there. */
static bool is_short_of_memory(int error)
{
	return error == ENOMEM || error == ENOBUFS;
}

ssize_t relay_receive(int fd, struct relay_message *ret, int *ret_fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = {.iov_base = ret, .iov_len = sizeof(*ret)};
	struct msghdr packet = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space),
	};
	const struct cmsghdr *header;
	ssize_t got;

	*ret_fd = -1;
	/*
	 * ECONNRESET: the other end closed without reading a message of ours (a signal
	 * that came too late). It comes once, before what the other end had sent.
	 */
	do
		got = recvmsg(fd, &packet, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (got < 0 && (errno == EINTR || errno == ECONNRESET));
	if (got < 0 && is_short_of_memory(errno))
		errno = EAGAIN;
	if (got <= 0)
		return got;
	header = CMSG_FIRSTHDR(&packet);
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
		memcpy(ret_fd, CMSG_DATA(header), sizeof(*ret_fd));
	if (got == sizeof(*ret))
		return got;
	errno = EPROTO;
	return -1;
}

int relay_send(int fd, const struct relay_message *message, int passed_fd, bool wait)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct relay_message copy = *message;
	struct iovec part = {.iov_base = &copy, .iov_len = sizeof(copy)};
	struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t sent;

	if (passed_fd >= 0) {
		struct cmsghdr *header;

		packet.msg_control = control.space;
		packet.msg_controllen = sizeof(control.space);
		header = CMSG_FIRSTHDR(&packet);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &passed_fd, sizeof(passed_fd));
	}
	do
		sent = sendmsg(fd, &packet, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT));
	while (sent < 0 && errno == EINTR);
	if (sent < 0 && is_short_of_memory(errno)) {
		if (wait)
			clock_sleep_ms(1);
		errno = EAGAIN;
	}
	return sent < 0 ? -1 : 0;
}

void output_drop_front(struct output *output)
{
	for (size_t i = 0; i < output->pending_len; i++)
		if (output->pending[i].fd >= 0)
			close(output->pending[i].fd);
	free(output->pending);
	output->pending = NULL;
	output->pending_len = 0;
	if (output->socket >= 0)
		close(output->socket);
	output->socket = -1;
}

/* Sends what it can; false where the front has no room now. */
static bool push(struct output *output, bool wait)
{
	size_t sent = 0;

	for (; sent < output->pending_len && output->socket >= 0; sent++) {
		struct pending *next = &output->pending[sent];

		if (relay_send(output->socket, &next->message, next->fd, wait) < 0) {
			if (errno == EAGAIN || errno == EWOULDBLOCK)
				break;
			output_drop_front(output);
			return true;
		}
		if (next->fd >= 0)
			close(next->fd);
		next->fd = -1;
	}
	output->pending_len -= sent;
	memmove(output->pending, output->pending + sent,
		output->pending_len * sizeof(*output->pending));
	return output->pending_len == 0;
}

void output_push(struct output *output)
{
	if (output->pending_len)
		push(output, false);
}

static void tell(struct output *output, struct relay_message message, int passed_fd)
{
	struct relay_message *last =
		output->pending_len ? &output->pending[output->pending_len - 1].message
				    : NULL;

	if (output->socket < 0)
		return;
	/* A stopped front costs a few messages, not one for every line that it misses. */
	if (last && last->type == RELAY_DATA && message.type == RELAY_DATA &&
		last->stream == message.stream) {
		last->len += message.len;
		return;
	}
	*list_add(output->pending, output->pending_len) = (struct pending){
		message, passed_fd < 0 ? -1 : fcntl(passed_fd, F_DUPFD_CLOEXEC, 0)};
	push(output, false);
}

void output_set_source(struct output *output, int fd)
{
	if (output->source >= 0)
		close(output->source);
	output->source = fd;
	output->written = 0;
	output->in_memory = false;
	tell(output, (struct relay_message){.type = RELAY_SOURCE}, fd);
}

static void go_to_memory(struct output *output)
{
	output_set_source(output, memfd_create("safe-rebuild-output", MFD_CLOEXEC));
	output->in_memory = true;
}

void output_start(struct output *ret, int socket)
{
	*ret = (struct output){.socket = socket, .source = -1};
	go_to_memory(ret);
}

/* Writes at the end of the source; a partial write counts as none. */
static bool append(struct output *output, const char *data, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t written = pwrite(output->source, data + done, len - done,
			(off_t)(output->written + done));

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		done += (size_t)written;
	}
	output->written += len;
	return true;
}

static bool keep_and_tell(struct output *output, int stream, const char *data, size_t len)
{
	if (!len || !append(output, data, len))
		return !len;
	output->in_line[stream] = screen_is_in_line(output->in_line[stream], data, len);
	tell(output,
		(struct relay_message){.type = RELAY_DATA, .stream = stream, .len = len},
		-1);
	return true;
}

/* The disk is full. We say so at the end of a line, so that no line is split. */
static void lose_log(struct output *output, int stream, const char *data, size_t len)
{
	const int reason = errno;
	const char *newline = memrchr(data, '\n', len);
	const size_t whole = newline ? (size_t)(newline + 1 - data) : 0;

	go_to_memory(output);
	(void)keep_and_tell(output, stream, data, whole);
	errno = reason;
	warn_errno("cannot write the log, its rest is lost");
	(void)keep_and_tell(output, stream, data + whole, len - whole);
}

void output_write(struct output *output, int stream, const void *data, size_t len)
{
	if (keep_and_tell(output, stream, data, len))
		return;
	if (!output->in_memory) {
		lose_log(output, stream, data, len);
		return;
	}
	go_to_memory(output);
	(void)keep_and_tell(output, stream, data, len);
}

void output_begin_line(struct output *output)
{
	if (output->in_line[STDERR_FILENO])
		output_write(output, STDERR_FILENO, "\n", 1);
}

void output_say(const char *line, size_t len, void *output)
{
	output_begin_line(output);
	output_write(output, STDERR_FILENO, line, len);
}

void output_share(struct output *output, int stream, int fd)
{
	if (fd >= 0)
		tell(output, (struct relay_message){.type = RELAY_HOLD, .stream = stream},
			fd);
}

void output_tell(struct output *output, enum relay_type type, uint64_t number)
{
	tell(output, (struct relay_message){.type = type, .len = number}, -1);
}

void output_release_front(struct output *output, int status)
{
	tell(output, (struct relay_message){.type = RELAY_EXIT, .number = status}, -1);
	while (output->socket >= 0 && !push(output, true))
		;
	output_drop_front(output);
}

void output_end(struct output *output, int status)
{
	output_release_front(output, status);
	if (output->source >= 0)
		close(output->source);
	output->source = -1;
}
