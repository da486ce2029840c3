#pragma once
/*
 * Everything that reads the user's repository runs in a forked worker with a deadline. It
 * answers with a record over a pipe; if it crashes, hangs or answers rubbish, that costs
 * the feature and never the rebuild. The worker dies with its parent (PR_SET_PDEATHSIG)
 * and holds no descriptor of it above stderr, so that a worker stuck in the kernel keeps
 * no lock.
 */
#include <stdint.h>

#include "record/record.h"

/* Fills *answer and returns 0, or prints what is wrong and returns -1. */
typedef int worker_function(struct record *answer, void *argument);

/* Returns -1, having said why ("what: it took longer than 60 s"), where there is no
 * answer. */
int worker_run(struct record *ret, const char *what, worker_function *function,
	void *argument, int64_t deadline_ms) _must_check_;
