#pragma once
/*
 * Following a build: one loop that copies its output, hears signals and learns of its
 * end. It never blocks on whoever reads: it writes as much as a descriptor that polls
 * writable is sure to take, so a stalled reader delays neither a signal nor the end.
 */
#include <stdint.h>
#include <sys/signalfd.h>
#include <sys/types.h>

#include "run/brief.h"

struct watch {
	int signals; /* of watch_signals() */
	int events;  /* readable when there is news; -1: none */
	int look_ms; /* look for news at least this often; -1: only when told */
	/* News. May set what is to be copied, or the status. */
	void (*look)(struct watch *watch, void *data);
	void (*signal)(
		struct watch *watch, const struct signalfd_siginfo *signal, void *data);
	void *data;

	int source; /* copied from, at offset; -1: nothing yet */
	off_t offset;
	uint64_t left; /* bytes that are still to be copied before the next look */
	int stream;    /* ... to this one, stdout or stderr */
	struct brief
		*brief; /* what of stderr is shown, or of all in a follower; NULL: all */
	bool one_file;  /* stdout and stderr are */
	bool in_line;   /* what was last written to stdout ends in the middle of a line */
	bool gone[STDERR_FILENO + 1]; /* streams that nobody reads any more */
	int lost; /* the errno with which stdout could not be written; 0: it could */
	/* A pipe that nobody reads any more is the end: nothing else is waited for. */
	bool ends_with_reader;
	int status;      /* the exit status; -1: not over */
	bool left_early; /* the build goes on */
};

/* Signals that end or pass through a front, or tell it of a new size, as a signalfd(2).
 */
int watch_signals(void);

/* Until there is a status; returns it. Closes source and signals. */
int watch_build(struct watch *watch);
