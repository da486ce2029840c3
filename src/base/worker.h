#pragma once
/*
 * Work that must not be able to harm us: a forked process with a deadline, which talks to
 * us only over a socket. Everything that reads the user's repository runs like this: if a
 * library crashes, hangs or answers rubbish, that costs the feature and never the
 * rebuild. A worker dies with its parent (PR_SET_PDEATHSIG) and holds no descriptor of it
 * above stderr but those it is given, so that one that is stuck in the kernel keeps no
 * lock.
 *
 * What a worker says with say() and the like is printed by its parent.
 */
#include <stdint.h>

#include "base/strbuf.h"

struct worker; /* the worker's end of the socket */

/* The types of frames below this are worker.c's own. */
#define WORKER_FRAMES 16
/* A longer frame is an error. */
#define WORKER_FRAME_MAX ((size_t)80 << 20)

struct worker_job {
	const char *what; /* in words: "reading the configuration" */
	/* In the worker. Returns 0, or -1 having said why. */
	int (*work)(struct worker *worker, struct strbuf *answer, void *data);
	/*
	 * In the parent, for each frame that was sent or asked; may be NULL. What it
	 * puts into reply goes back to one who asked. -1 (printed): the job is given up.
	 */
	int (*receive)(unsigned type, const char *data_of_frame, size_t len,
		struct strbuf *reply, void *data);
	void *data;
	int64_t deadline_ms;
	/* A directory: the worker becomes its owner (base/rights.h), and may not have
	 * more than two gigabytes of its own. NULL: it is who we are. */
	const char *owner_of;
	int keep[2]; /* descriptors that the worker is given; 0: none */
};

/* Returns -1 (printed: "what: it took longer than 60 s") if there is no answer. */
int worker_run(struct strbuf *answer, const struct worker_job *job) _must_check_;

/* In the worker. Frames are buffered; a signal ends the worker if its parent dies. */
void worker_send(struct worker *worker, unsigned type, const void *data, size_t len);
/* Waits for the reply; without one the worker ends, and with it the job. */
void worker_ask(struct worker *worker, unsigned type, const void *data, size_t len,
	struct strbuf *reply);
