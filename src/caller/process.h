#pragma once
/*
 * What /proc tells about a process (proc(5)). Every answer may be gone the moment it is
 * given; nothing here decides whether something is alive, locks do. Functions are silent.
 */
#include <sys/types.h>
#include <time.h>

#include "base/macro.h"

struct process {
	pid_t pid, parent, session;
	unsigned long long start_ticks; /* since boot; with the pid it names a process */
	char comm[64];
	unsigned climbed; /* by process_climb() so far */
};

bool process_read(struct process *ret, pid_t pid);

/*
 * Goes on to the parent; false above the topmost ancestor that can be seen, which is
 * never pid 1. A walk ends after some dozens of steps even if it meets reused pids.
 */
bool process_climb(struct process *process);

/* Whether it is an ancestor of this process. */
bool process_is_ancestor(pid_t pid);

/* When the process started, in wall-clock time. */
time_t process_start_time(const struct process *process);

/* Whether the process goes by this name: comm, argv[0] or a script's argv[1]. */
bool process_is_named(const struct process *process, const char *name);

/*
 * Another process' environment as it was at exec. Only named variables are ever looked
 * up, and the block is wiped when it is freed: agents keep tokens there.
 */
struct process_environment {
	char *block;
	size_t len;
};

bool process_read_environment(struct process_environment *ret, pid_t pid);
const char *process_variable(
	const struct process_environment *environment, const char *name);
void process_environment_free(struct process_environment *environment);
#define _cleanup_environment_ _cleanup_(process_environment_free)
