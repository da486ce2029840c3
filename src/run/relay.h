#pragma once
/*
 * Between the runner and the front. The runner never writes to the caller's stdout or
 * stderr: it puts nixos-rebuild's output into the build's log and tells the front, over a
 * SOCK_SEQPACKET pair, how many bytes of which stream came. The front copies them from
 * the log. So a front that is gone, stopped, or has a slow reader never delays
 * nixos-rebuild, and the order within each stream is kept.
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
	RELAY_ENDED,  /* to the front: nixos-rebuild has ended; the rest is about that */
	RELAY_EXIT,   /* to the front: it is over, with this status */
	RELAY_UNCONFIRMED, /* to the front: the build waits for somebody's word */
	RELAY_HOLD,      /* to the front: a descriptor to hold (see front.c), as stream */
	RELAY_SIGNAL,    /* to the runner: pass this signal on to nixos-rebuild */
	RELAY_SIGNALLED, /* to the runner: nixos-rebuild got this signal with us */
	RELAY_SIZE, /* to the runner: the terminal has number columns, len rows now */
};

struct relay_message {
	enum relay_type type;
	int stream;   /* STDOUT_FILENO or STDERR_FILENO, where it is about one */
	int number;   /* exit status, signal or columns */
	uint64_t len; /* bytes, rows, or the build's number */
};

/* A connected pair, close-on-exec; -1 with errno set. */
int relay_pair(int *ret_runner, int *ret_front) _must_check_;

/* Receives one message; *ret_fd is -1 or the descriptor that came along. 0: the other end
 * is gone. -1 with errno set (EAGAIN: nothing there). */
ssize_t relay_receive(int fd, struct relay_message *ret, int *ret_fd) _must_check_;
/* passed_fd: goes along; -1: none. wait: else EAGAIN where the other end is slow. -1 with
 * errno set. */
int relay_send(int fd, const struct relay_message *message, int passed_fd, bool wait);

struct pending {
	struct relay_message message;
	int fd; /* passed along with it; -1: none */
};

/*
 * The runner's side: the build's log, and messages that the front has not taken yet.
 * Nothing here fails or blocks for long: without a log the output is kept in memory,
 * without a front only in the log.
 */
struct output {
	int socket;                      /* -1: the front is gone */
	int source;                      /* the log, or a memfd */
	uint64_t written;                /* bytes in source */
	bool in_memory;                  /* source is a memfd: there is no log */
	bool in_line[STDERR_FILENO + 1]; /* the stream's last line is not complete */
	struct pending *pending;         /* what the front's socket had no room for */
	size_t pending_len;
};

/* Starts in memory; socket is owned from now on. */
void output_start(struct output *ret, int socket);
/* From now on output goes to the log, which is owned; what came before stays in memory.
 */
void output_set_source(struct output *output, int log_fd);
void output_write(struct output *output, int stream, const void *data, size_t len);
/* Ends an incomplete line of stderr, because another program writes what follows. */
void output_begin_line(struct output *output);
/* A line of our own on stderr: it begins where a line begins. For message_redirect(). */
void output_say(const char *line, size_t len, void *output);
/* RELAY_BUILD with its number, RELAY_ENDED, RELAY_UNCONFIRMED. */
void output_tell(struct output *output, enum relay_type type, uint64_t number);
/* The front holds the descriptor from now on, too. */
void output_share(struct output *output, int stream, int fd);
/* Tries again to tell the front what is pending. */
void output_push(struct output *output);
/* Ends the front with this status; further output goes only to the log. */
void output_release_front(struct output *output, int status);
/* The last message. Waits for the front to take everything, or to go. */
void output_end(struct output *output, int status);
void output_drop_front(struct output *output);
