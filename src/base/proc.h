#pragma once
/*
 * What /proc tells about a process (proc(5)). Every answer may be gone the moment it is
 * given; nothing here decides whether something is alive, locks do. Functions are silent.
 */
#include <sys/stat.h>
#include <time.h>

#include "base/macro.h"

struct process {
	pid_t pid, parent, session;
	unsigned long long start_ticks; /* since boot; with the pid it names a process */
	char comm[64];
	bool is_dead;     /* a zombie: its parent has not waited for it */
	unsigned climbed; /* by process_climb() so far */
};

bool process_read(struct process *ret, pid_t pid);

/*
 * Whether the process with that start time has ended; a zombie has. True only if the
 * kernel says so: a process that cannot be read just now may still run.
 */
bool process_has_ended(pid_t pid, unsigned long long start_ticks);

/*
 * Goes on to the parent; false above the topmost ancestor that can be seen, which is
 * never pid 1. A walk ends after some dozens of steps even if it meets reused pids.
 */
bool process_climb(struct process *process);

/* Who logged in, whatever su and sudo did later (pam_loginuid(8)); 0: nobody. */
uid_t process_login_uid(void);

/* Whether pid is an ancestor of this process. */
bool process_is_ancestor(pid_t pid);

/* Signals the process and all its descendants, as far as that is permitted. */
void process_signal_tree(pid_t top, int signal);

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

/* pidfd_open(2): readable when the process has ended. -1 with errno set. */
int process_open(pid_t pid) _must_check_;

/*
 * Who holds a flock(2), by /proc/locks (Documentation/filesystems/proc.rst): asking
 * disturbs nobody, but trying to lock could make another's attempt fail. The kernel
 * names the process that took the lock, which may be gone while one that inherited the
 * descriptor keeps it. It leaves out processes that cannot be seen from this pid
 * namespace: no answer means free only where proc_locks_are_complete().
 *
 * 0: nobody that can be seen; -1: somebody whose pid is not known.
 */
pid_t proc_locks_holder(const struct stat *file);
bool proc_locks_are_complete(void);

/* Whether the process has the file open and locked, by its fdinfo. */
bool proc_has_locked(pid_t pid, const struct stat *file);
