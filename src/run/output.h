#pragma once
/*
 * The runner's side of the relay: the build's log and what the front still has to be
 * told. Nothing here ever fails or blocks for long: without a log it keeps the output in
 * memory, without a front it keeps it in the log alone.
 */
#include <stddef.h>
#include <stdint.h>

#include "run/relay.h"

struct output {
	int socket;                    /* -1: the front is gone */
	int source;                    /* the log, or a memfd */
	uint64_t written;              /* bytes in source */
	bool in_memory;                /* source is a memfd: there is no log */
	struct relay_message *pending; /* what the front's socket had no room for */
	int *pending_fds;
	size_t pending_len;
};

/* Starts in memory; socket is owned from now on. */
void output_start(struct output *ret, int socket);
/* From now on output goes to the log, which is owned; what came before stays in memory.
 */
void output_open_log(struct output *output, int log_fd);
void output_write(struct output *output, int stream, const void *data, size_t len);
void output_tell_build(struct output *output, uint64_t number);
/* Tries again to tell the front what is pending. */
void output_push(struct output *output);
/* The last message. Waits for the front to take everything, or to go. */
void output_end(struct output *output, int status);
void output_drop_front(struct output *output);
