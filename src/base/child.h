#pragma once
/*
 * Starting programs: with an argv, never through a shell, with the three standard
 * descriptors that are named and no others (ours are close-on-exec), and with the umask
 * and the signals and rights (base/rights.h) that our caller had. Also here:
 * the caller's surroundings, signals as events, exit statuses.
 *
 * A program is started in two steps, so that there is no moment in which it runs and is
 * not yet noted: child_fork() makes the process, whose pid can be written down, and
 * child_release() lets it execute the program. One that is never released dies with us.
 */
#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/macro.h"

/* How the caller had things before we changed them for ourselves. */
struct surroundings {
	sigset_t signal_mask;
	mode_t umask;
	/* SIGPIPE, SIGXFSZ were already ignored. */
	bool ignores_pipe, ignores_file_size;
};

/* Keeps them and sets ours: umask 007, SIGPIPE and SIGXFSZ ignored, SIGCHLD at its
 * default. */
void surroundings_enter(struct surroundings *ret);
/* Puts the caller's back, for exec. */
void surroundings_leave(const struct surroundings *surroundings);

#define CHILD_NEW_SESSION (-2)

struct child {
	const char *program; /* a path, or a name to be looked up in PATH */
	char *const *argv;
	const struct surroundings *surroundings;
	int stdio[STDERR_FILENO + 1]; /* its stdin, stdout, stderr; -1: /dev/null */
	/* The process group to join; 0: a new one, named by its pid; -1: it stays in
	 * ours. A child that joins another group ignores SIGHUP. CHILD_NEW_SESSION:
	 * without a terminal. */
	pid_t group;

	pid_t pid;
	int gate;    /* a byte lets it continue, end of file makes it exit */
	int failure; /* carries errno if the program could not be executed */
};

/* -1 with errno set if no process could be made. */
int child_fork(struct child *child) _must_check_;
/* 0, or errno if the program could not be executed; the child is gone then. */
int child_release(struct child *child) _must_check_;

/*
 * Does both and waits. Returns the exit status; -1 with errno set if it did not run or
 * was killed at the deadline, with its group if that is its own (ETIMEDOUT).
 */
int child_run(struct child *child, int64_t deadline_ms) _must_check_;

/*
 * Returns what the program prints, at most max bytes and a NUL; NULL
 * if it cannot be run or its exit status is not 0. argv[0] is the program. The
 * caller frees.
 */
char *child_output(char *const *argv, const struct surroundings *surroundings,
	int64_t deadline_ms, size_t max) _must_check_;

/* Exit status as a shell would give it: 128+n for death by signal n. */
int child_exit_status(int wait_status);

/*
 * Blocks the signals of the list (ended by 0) and returns a signalfd(2) for them, -1 with
 * errno set; *ret_mask (unless NULL) is what was blocked before. Those that the caller
 * has ignored (nohup, a shell's background job) stay ignored.
 */
int signals_watch(const int *list, sigset_t *ret_mask);
