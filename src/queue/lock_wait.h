#pragma once
/*
 * Sleeping on a lock without being deaf: a thread sleeps in flock(2), so the kernel wakes
 * it and nobody polls, while this thread handles signals, the deadline and the clock for
 * the caller. Neither takes processor time while nothing happens.
 */
#include <stdint.h>

#include "base/macro.h"

enum lock_wait_result {
	LOCK_WAIT_GOT,
	LOCK_WAIT_TIMEOUT,
	LOCK_WAIT_SIGNAL, /* INT, TERM, HUP or QUIT: *ret_signal */
	LOCK_WAIT_STOP,   /* the terminal's Ctrl-Z: the caller lets go and stops */
	LOCK_WAIT_EVENT,  /* event_fd is readable */
	LOCK_WAIT_FAILED, /* errno is set */
};

struct lock_wait {
	int64_t deadline_ms; /* on clock_boot_ms(); FOREVER_MS: none */
	/* Called now and then; returns in how many milliseconds it wants to be called
	 * again. */
	int64_t (*tick)(void *data);
	void *data;
	int event_fd; /* -1: none */
	int signal;   /* which, for LOCK_WAIT_SIGNAL */
};

/*
 * Takes flock(fd, operation). After any result but LOCK_WAIT_GOT no thread sleeps on
 * the lock any more. Between calls the signals have the meaning that they had before.
 */
enum lock_wait_result lock_wait(struct lock_wait *wait, int fd, int operation);
/* The same until fd (-1: none) is readable, as a pidfd is when its process has ended. */
enum lock_wait_result lock_wait_for_fd(struct lock_wait *wait, int fd);
