#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/message.h"
#include "base/proc.h"
#include "base/rights.h"

/* Returns whether it was ignored already. */
static bool ignore(int signal_number)
{
	struct sigaction before;

	sigaction(signal_number, NULL, &before);
	signal(signal_number, SIG_IGN);
	return before.sa_handler == SIG_IGN;
}

void surroundings_enter(struct surroundings *ret)
{
	*ret = (struct surroundings){.umask = umask(007)};
	sigprocmask(SIG_SETMASK, NULL, &ret->signal_mask);
	ret->ignores_pipe = ignore(SIGPIPE);
	/* A log that grows beyond a limit is an error like a full disk. */
	ret->ignores_file_size = ignore(SIGXFSZ);
	/* If it stayed ignored, the kernel would reap our child before we can. */
	signal(SIGCHLD, SIG_DFL);
}

void surroundings_leave(const struct surroundings *surroundings)
{
	umask(surroundings->umask);
	if (!surroundings->ignores_pipe)
		signal(SIGPIPE, SIG_DFL);
	if (!surroundings->ignores_file_size)
		signal(SIGXFSZ, SIG_DFL);
	sigprocmask(SIG_SETMASK, &surroundings->signal_mask, NULL);
}

/* Only async-signal-safe calls from here on: fork(2) copies no other threads. */
static _noreturn_ void become(const struct child *child, int gate, int failure)
{
	const int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	char go;
	int reason;

	if (read(gate, &go, 1) != 1)
		_exit(EXIT_OWN_FAILURE);
	rights_restore();
	if (child->group == CHILD_NEW_SESSION)
		setsid();
	if (child->group >= 0)
		setpgid(0, child->group);
	if (child->group > 0)
		signal(SIGHUP, SIG_IGN);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		const int from = child->stdio[fd] < 0 ? null_fd : child->stdio[fd];

		if (from != fd)
			dup2(from, fd);
	}
	surroundings_leave(child->surroundings);
	execvp(child->program, child->argv);
	reason = errno;
	(void)!write(failure, &reason, sizeof(reason));
	_exit(EXIT_CANNOT_RUN);
}

int child_fork(struct child *child)
{
	int gate[2], failure[2];

	if (pipe2(gate, O_CLOEXEC) < 0)
		return -1;
	if (pipe2(failure, O_CLOEXEC) < 0) {
		close(gate[0]);
		close(gate[1]);
		return -1;
	}
	child->pid = fork();
	if (child->pid == 0) {
		close(gate[1]);
		become(child, gate[0], failure[1]);
	}
	close(gate[0]);
	close(failure[1]);
	child->gate = gate[1];
	child->failure = failure[0];
	if (child->pid > 0)
		return 0;
	close(child->gate);
	close(child->failure);
	return -1;
}

int child_release(struct child *child)
{
	_cleanup_close_ int failure = child->failure;
	ssize_t got, written;
	int reason = 0;

	/* Set here too: whoever signals the group right away must find it. */
	if (child->group >= 0)
		setpgid(child->pid, child->group);
	written = write(child->gate, "", 1);
	reason = written == 1 ? 0 : errno;
	close(child->gate);
	/* Without a byte the child sees the end of the gate and exits. */
	if (reason) {
		waitpid(child->pid, NULL, 0);
		return reason;
	}
	do
		got = read(failure, &reason, sizeof(reason));
	while (got < 0 && errno == EINTR);
	if (got != sizeof(reason))
		return 0;
	waitpid(child->pid, NULL, 0);
	return reason;
}

int child_run(struct child *child, int64_t deadline_ms)
{
	struct pollfd ended = {.fd = -1, .events = POLLIN};
	int status, ready;

	if (child_fork(child) < 0)
		return -1;
	errno = child_release(child);
	if (errno)
		return -1;
	ended.fd = process_open(child->pid);
	ready = poll(&ended, 1, (int)deadline_ms);
	if (ended.fd >= 0)
		close(ended.fd);
	if (ready == 0)
		kill(child->group == 0 ? -child->pid : child->pid, SIGKILL);
	while (waitpid(child->pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	errno = ETIMEDOUT;
	return ready == 0 ? -1 : child_exit_status(status);
}

char *child_output(char *const *argv, const struct surroundings *surroundings,
	int64_t deadline_ms, size_t max)
{
	_cleanup_close_ int fd = memfd_create("safe-rebuild-answer", MFD_CLOEXEC);
	struct child child = {
		.program = argv[0],
		.argv = argv,
		.surroundings = surroundings,
		.stdio = {-1, fd, -1},
		.group = -1,
	};
	char *text = NULL;

	if (fd < 0 || child_run(&child, deadline_ms) != 0 || lseek(fd, 0, SEEK_SET) < 0 ||
		read_to_end(fd, max, &text, NULL) < 0)
		return NULL;
	return text;
}

int child_exit_status(int wait_status)
{
	if (WIFSIGNALED(wait_status))
		return EXIT_SIGNAL_BASE + WTERMSIG(wait_status);
	return WEXITSTATUS(wait_status);
}

int signals_watch(const int *list, sigset_t *ret_mask)
{
	sigset_t caught;

	sigemptyset(&caught);
	for (; *list; list++) {
		struct sigaction action;

		if (sigaction(*list, NULL, &action) == 0 && action.sa_handler != SIG_IGN)
			sigaddset(&caught, *list);
	}
	sigprocmask(SIG_BLOCK, &caught, ret_mask);
	return signalfd(-1, &caught, SFD_CLOEXEC);
}
