#pragma once
/*
 * Between the runner and the front. The runner never writes to the caller's stdout or
 * stderr: it puts nixos-rebuild's output into the build's log and tells the front, over a
 * SOCK_SEQPACKET pair, how many bytes of which stream came. The front copies them from
 * the log. So a front that is gone, stopped, or has a slow reader never holds
 * nixos-rebuild up, and the order within each stream is kept.
 *
 * Where the log cannot be written (disk full), a memfd takes its place, and the front is
 * handed that descriptor.
 */
#include <stdint.h>
#include <sys/types.h>

#include "base/macro.h"

enum relay_type {
	RELAY_SOURCE, /* to the front: read from the descriptor that comes along, from 0
		       */
	RELAY_DATA,   /* to the front: len more bytes, for stream */
	RELAY_BUILD,  /* to the front: the build's number */
	RELAY_EXIT,   /* to the front: it is over, with this status */
	RELAY_SIGNAL, /* to the runner: pass this signal on to nixos-rebuild */
};

struct relay_message {
	enum relay_type type;
	int stream;   /* STDOUT_FILENO or STDERR_FILENO */
	int number;   /* exit status or signal */
	uint64_t len; /* bytes, or the build's number */
};

/* A connected pair, close-on-exec; -1 with errno set. */
int relay_pair(int *ret_runner, int *ret_front) _must_check_;

/* Receives one message; *ret_fd is -1 or the descriptor that came along. 0: the other end
 * is gone. -1 with errno set (EAGAIN: nothing there). */
ssize_t relay_receive(int fd, struct relay_message *ret, int *ret_fd) _must_check_;
int relay_send(int fd, const struct relay_message *message, int passed_fd, bool wait);
