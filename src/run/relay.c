#include "run/relay.h"

#include <errno.h>
#include <sys/socket.h>

int relay_pair(int *ret_runner, int *ret_front)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return -1;
	*ret_runner = fds[0];
	*ret_front = fds[1];
	return 0;
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
	do
		got = recvmsg(fd, &packet, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	if (got < 0 && errno == ECONNRESET)
		return 0;
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
	return sent < 0 ? -1 : 0;
}
