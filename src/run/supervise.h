#pragma once
/*
 * Watches nixos-rebuild from start to end: writes its output to the log, passes on the
 * front's signals and requests to end it, and notes its phase.
 *
 * A request to end it (see cancellation.h) is refused once activation may have begun:
 * half an activation is worse than a whole one. To be sure, it and all its descendants
 * are stopped while that is checked.
 */
#include <stdint.h>

#include "base/child.h"
#include "queue/queue.h"
#include "run/progress.h"
#include "run/relay.h"
#include "run/streams.h"

/* Of its stdout (the result's path) so much is kept. */
#define STDOUT_MAX 4096

struct supervision {
	struct output *output;
	const struct streams *streams;
	const struct turn *turn; /* its requests may be -1: nobody can ask */
	struct build *build;     /* takes the answer to a request */
	int signals;
	/* Limits on the program's time and output; 0: none. */
	int64_t deadline_ms;
	uint64_t output_max;
	bool is_step; /* not nixos-rebuild, whose stdout has a meaning: all is stderr */
	/* Called when what a ticket tells has changed: the phase, the answer to a
	 * request. */
	void (*changed)(void *data);
	bool (*has_begun_activation)(void *data);
	void *data;

	struct child child;       /* program, argv and surroundings are given */
	int stdout_fd, stderr_fd; /* to read from, not blocking */
	struct progress progress;
	int64_t started_ms;
	bool exited;
	bool timed_out, flooded; /* it was killed, with all that it had started */
	bool signalled;          /* it died of a signal, or one was passed on to it */
	int missed; /* a signal of the terminal that came before it could have it */
	int exit_status;
	char stdout_text[STDOUT_MAX + 1];
	/* May be more than there is room for. Where stdout and stderr are one, both are
	 * counted, and neither is known. */
	uint64_t stdout_size;

	char *cancelled_by; /* `bob: "why"`; NULL: not cancelled */
};

/* Blocks the signals that it handles; called early, so that none is lost. */
void supervision_start(struct supervision *supervision);
/* Runs the child's program to its end. */
void supervise(struct supervision *supervision);
/* Copies what processes that the child left running have written since. */
void supervision_drain(struct supervision *supervision);
