#pragma once
/*
 * Starting nixos-rebuild. It gets the caller's arguments, environment, directory, umask
 * and stdin untouched, a process group of its own, and no other descriptor: ours are
 * close-on-exec and the caller's others were closed at the start. Started with
 * posix_spawn(3), never through a shell.
 */
#include <signal.h>
#include <sys/types.h>

#include "base/macro.h"

/* How the caller had things before we changed them for ourselves. */
struct surroundings {
	sigset_t signal_mask;
	mode_t umask;
	bool ignores_pipe; /* SIGPIPE was already ignored */
};

/* Keeps them and sets ours: umask 007, SIGPIPE ignored, SIGCHLD at its default. */
void surroundings_enter(struct surroundings *ret);
/* Puts the caller's back, for exec. */
void surroundings_leave(const struct surroundings *surroundings);

struct child {
	pid_t pid;
	int stdout_fd, stderr_fd; /* to read from, not blocking */
};

/* 0, or the errno with which it could not be started. */
int child_start(struct child *ret, const char *program, char *const *arguments,
	const struct surroundings *surroundings) _must_check_;

/* Exit status as a shell would give it: 128+n for death by signal n. */
int child_exit_status(int wait_status);
