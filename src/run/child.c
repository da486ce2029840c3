#include "run/child.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/message.h"

extern char **environ;

void surroundings_enter(struct surroundings *ret)
{
	struct sigaction pipe;

	*ret = (struct surroundings){.umask = umask(007)};
	sigprocmask(SIG_SETMASK, NULL, &ret->signal_mask);
	sigaction(SIGPIPE, NULL, &pipe);
	ret->ignores_pipe = pipe.sa_handler == SIG_IGN;
	signal(SIGPIPE, SIG_IGN);
	/* Inherited as ignored it would make the kernel reap our child before we can. */
	signal(SIGCHLD, SIG_DFL);
}

void surroundings_leave(const struct surroundings *surroundings)
{
	umask(surroundings->umask);
	if (!surroundings->ignores_pipe)
		signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &surroundings->signal_mask, NULL);
}

static int spawn(pid_t *ret, const char *program, char *const *arguments,
	const struct surroundings *surroundings, int stdout_fd, int stderr_fd)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t defaults;
	mode_t ours;
	int result;

	sigemptyset(&defaults);
	if (!surroundings->ignores_pipe)
		sigaddset(&defaults, SIGPIPE);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, stdout_fd, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, stderr_fd, STDERR_FILENO);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes,
		POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setsigmask(&attributes, &surroundings->signal_mask);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	ours = umask(surroundings->umask);
	result = posix_spawn(ret, program, &actions, &attributes, arguments, environ);
	umask(ours);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return result;
}

int child_start(struct child *ret, const char *program, char *const *arguments,
	const struct surroundings *surroundings)
{
	_cleanup_close_ int out_read = -1, out_write = -1, err_read = -1, err_write = -1;
	int pipes[2], result;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return errno;
	out_read = pipes[0];
	out_write = pipes[1];
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return errno;
	err_read = pipes[0];
	err_write = pipes[1];
	fcntl(out_read, F_SETFL, O_NONBLOCK);
	fcntl(err_read, F_SETFL, O_NONBLOCK);
	*ret = (struct child){.pid = -1, .stdout_fd = -1, .stderr_fd = -1};
	result = spawn(&ret->pid, program, arguments, surroundings, out_write, err_write);
	if (result)
		return result;
	ret->stdout_fd = TAKE_FD(out_read);
	ret->stderr_fd = TAKE_FD(err_read);
	return 0;
}

int child_exit_status(int wait_status)
{
	if (WIFSIGNALED(wait_status))
		return EXIT_SIGNAL_BASE + WTERMSIG(wait_status);
	return WEXITSTATUS(wait_status);
}
