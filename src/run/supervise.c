#include "run/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/proc.h"
#include "queue/cancellation.h"

/* As much as a pipe holds by default. */
#define COPY_SIZE 65536

/* A child that stays in the caller's session is in the caller's process group. */
static void signal_child(const struct supervision *supervision, int signal)
{
	const struct child *child = &supervision->child;

	if (supervision->exited || !child->pid)
		return;
	if (child->group)
		process_signal_tree(child->pid, signal);
	else
		kill(-child->pid, signal);
}

static bool has_begun(const struct supervision *supervision)
{
	return supervision->progress.phase == PHASE_ACTIVATING ||
	       supervision->has_begun_activation(supervision->data);
}

/* Half an activation is worse than one that nobody wants any more: the signal ends
 * nixos-rebuild alone, and what it has started goes on, as it would without us. */
static void pass_signal_on(struct supervision *supervision, int signal)
{
	supervision->signalled = true;
	if (supervision->child.pid && !supervision->exited && !supervision->is_step &&
		has_begun(supervision))
		kill(supervision->child.pid, signal);
	else
		signal_child(supervision, signal);
}

static void resize(const struct supervision *supervision, const struct winsize *size)
{
	const int fds[] = {supervision->stdout_fd, supervision->stderr_fd};

	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		if (fds[i] >= 0)
			(void)ioctl(fds[i], TIOCSWINSZ, size);
	/* The pty controls nobody: the kernel tells nobody. */
	signal_child(supervision, SIGWINCH);
}

static void keep_stdout(struct supervision *supervision, const char *data, size_t len)
{
	if (!supervision->streams->together &&
		supervision->stdout_size + len <= STDOUT_MAX)
		memcpy(supervision->stdout_text + supervision->stdout_size, data, len);
	supervision->stdout_size += len;
}

/* Copies what is there; returns false at the end of the stream. */
static bool copy_stream(struct supervision *supervision, int *fd, int stream)
{
	char data[COPY_SIZE];
	ssize_t got;

	if (*fd < 0)
		return false;
	got = read(*fd, data, sizeof(data));
	if (got > 0)
		output_write(supervision->output, stream, data, (size_t)got);
	if (got > 0 && (stream == STDOUT_FILENO || supervision->streams->together))
		keep_stdout(supervision, data, (size_t)got);
	if (got > 0 && stream == STDERR_FILENO &&
		progress_read(&supervision->progress, data, (size_t)got))
		supervision->changed(supervision->data);
	if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)))
		return got > 0;
	close(*fd);
	*fd = -1;
	return false;
}

/*
 * Copies what is there now; what a daemon writes later does not count. A pty does not
 * tell how much there is, and gives at most 4 KB at a time.
 */
#define DRAIN_READS 256
static void drain_stream(struct supervision *supervision, int *fd, int stream)
{
	for (int i = 0; i < DRAIN_READS && copy_stream(supervision, fd, stream); i++)
		;
}

/* For this long after the start the front may report a signal from before it. */
#define START_MS 50

/* nixos-rebuild has got the signal too, if it was running already. */
static void note_signal_of_terminal(struct supervision *supervision, int signal)
{
	supervision->signalled = true;
	if (!supervision->child.pid)
		supervision->missed = signal;
	else if (clock_boot_ms() - supervision->started_ms < START_MS)
		signal_child(supervision, signal);
}

static void handle_front(struct supervision *supervision)
{
	struct relay_message message;
	int fd;
	ssize_t got = relay_receive(supervision->output->socket, &message, &fd);

	if (got > 0 && message.type == RELAY_SIGNAL)
		pass_signal_on(supervision, message.number);
	else if (got > 0 && message.type == RELAY_SIGNALLED)
		note_signal_of_terminal(supervision, message.number);
	else if (got > 0 && message.type == RELAY_SIZE)
		resize(supervision,
			&(struct winsize){.ws_col = (unsigned short)message.number,
				.ws_row = (unsigned short)message.len});
	else if (got == 0 || (got < 0 && errno != EAGAIN))
		output_drop_front(supervision->output);
}

static void look_whether_exited(struct supervision *supervision)
{
	int status;
	pid_t ended;

	do
		ended = waitpid(supervision->child.pid, &status, WNOHANG);
	while (ended < 0 && errno == EINTR);
	if (ended <= 0)
		return;
	supervision->exited = true;
	supervision->exit_status = child_exit_status(status);
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGSEGV &&
		WTERMSIG(status) != SIGABRT)
		supervision->signalled = true;
	/* It may have ended before the front could tell that the terminal's Ctrl-C came.
	 */
	if (supervision->streams->group &&
		supervision->exit_status == EXIT_SIGNAL_BASE + SIGINT)
		supervision->signalled = true;
}

static void handle_signal(struct supervision *supervision)
{
	struct signalfd_siginfo info;

	if (read(supervision->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
		pass_signal_on(supervision, (int)info.ssi_signo);
	else if (info.ssi_signo == SIGCHLD)
		look_whether_exited(supervision);
}

/* Whether it was ended: false once activation may have begun. */
static bool end_child(struct supervision *supervision)
{
	bool begun;

	if (supervision->exited)
		return false;
	if (!supervision->child.pid)
		return true;
	signal_child(supervision, SIGSTOP);
	/* Its output so far may show that activation has begun. */
	drain_stream(supervision, &supervision->stderr_fd, STDERR_FILENO);
	begun = has_begun(supervision);
	if (!begun)
		signal_child(supervision, SIGTERM);
	signal_child(supervision, SIGCONT);
	return !begun;
}

static void handle_request(struct supervision *supervision)
{
	_cleanup_cancellation_ struct cancellation request = {0};
	_cleanup_free_ char *words = NULL;

	if (!cancellation_receive(&request, supervision->build,
		    &supervision->turn->ticket, supervision->turn->requests))
		return;
	words = cancellation_describe(&request);
	if (supervision->cancelled_by || end_child(supervision)) {
		cancellation_answer(supervision->build, &request, CANCEL_ACCEPTED);
		supervision->signalled = true;
		if (!supervision->child.pid)
			supervision->exit_status = EXIT_SIGNAL_BASE + SIGTERM;
		say("cancelled by %s", words);
		set_string(&supervision->cancelled_by, TAKE_PTR(words));
	} else {
		cancellation_answer(supervision->build, &request, "activation has begun");
		say("not cancelled, because activation has begun; asked by %s", words);
	}
	supervision->changed(supervision->data);
}

static int watch_signals(void)
{
	static const int watched[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, 0};

	return signals_watch(watched, NULL);
}

/* Without a signalfd the child is polled this often. */
#define LOOK_MS 100

static int time_left(const struct supervision *supervision)
{
	const int64_t left =
		supervision->started_ms + supervision->deadline_ms - clock_boot_ms();

	if (!supervision->deadline_ms || supervision->deadline_ms == FOREVER_MS)
		return -1;
	return left > 0 ? (int)left : supervision->timed_out ? -1 : 0;
}

static int time_to_sleep(const struct supervision *supervision)
{
	const int left = time_left(supervision);

	return supervision->signals < 0 && (left < 0 || left > LOOK_MS) ? LOOK_MS : left;
}

static void end_if_too_much(struct supervision *supervision)
{
	if (supervision->timed_out || supervision->flooded)
		return;
	supervision->timed_out = time_left(supervision) == 0;
	supervision->flooded = supervision->output_max &&
			       supervision->output->written > supervision->output_max;
	if (!supervision->timed_out && !supervision->flooded)
		return;
	process_signal_tree(supervision->child.pid, SIGKILL);
	signal_child(supervision, SIGKILL);
}

static void wait_for_child(struct supervision *supervision)
{
	while (!supervision->exited) {
		struct pollfd fds[] = {
			{.fd = supervision->signals, .events = POLLIN},
			{.fd = supervision->stdout_fd, .events = POLLIN},
			{.fd = supervision->stderr_fd, .events = POLLIN},
			{.fd = supervision->output->socket,
				.events =
					(short)(POLLIN | (supervision->output->pending_len
									 ? POLLOUT
									 : 0))},
			{.fd = supervision->turn->requests, .events = POLLIN},
		};

		if (poll(fds, ARRAY_LEN(fds), time_to_sleep(supervision)) < 0)
			continue;
		if (supervision->signals < 0)
			look_whether_exited(supervision);
		end_if_too_much(supervision);
		/* stderr first: the result's path comes after all that was said of it. */
		if (fds[2].revents)
			copy_stream(supervision, &supervision->stderr_fd, STDERR_FILENO);
		if (fds[1].revents)
			copy_stream(supervision, &supervision->stdout_fd, STDOUT_FILENO);
		if (fds[3].revents & POLLOUT)
			output_push(supervision->output);
		if (fds[3].revents & ~POLLOUT)
			handle_front(supervision);
		if (fds[4].revents)
			handle_request(supervision);
		if (fds[0].revents)
			handle_signal(supervision);
	}
	supervision_drain(supervision);
}

void supervision_drain(struct supervision *supervision)
{
	drain_stream(supervision, &supervision->stderr_fd, STDERR_FILENO);
	drain_stream(supervision, &supervision->stdout_fd, STDOUT_FILENO);
}

void supervision_start(struct supervision *supervision)
{
	supervision->signals = watch_signals();
}

/* Its pid is in the ticket before it executes anything. 0 or errno. */
static int start(struct supervision *supervision)
{
	struct child *child = &supervision->child;
	_cleanup_close_ int out = -1, err = -1;

	child->stdio[STDIN_FILENO] = STDIN_FILENO;
	if (stream_open(supervision->streams, STDERR_FILENO, &supervision->stderr_fd,
		    &err) < 0)
		return errno;
	if (!supervision->streams->together && !supervision->is_step &&
		stream_open(supervision->streams, STDOUT_FILENO, &supervision->stdout_fd,
			&out) < 0)
		return errno;
	child->stdio[STDOUT_FILENO] = out < 0 ? err : out;
	child->stdio[STDERR_FILENO] = err;
	if (child_fork(child) < 0)
		return errno;
	supervision->changed(supervision->data);
	return child_release(child);
}

/* If we are killed, the front reads on: what activates a system would die of a closed
 * stderr. */
static void share_with_front(struct supervision *supervision)
{
	_cleanup_close_ int child = process_open(supervision->child.pid);

	output_share(supervision->output, STDIN_FILENO, child);
	output_share(supervision->output, STDOUT_FILENO, supervision->stdout_fd);
	output_share(supervision->output, STDERR_FILENO, supervision->stderr_fd);
}

/* The caller's stdin is nixos-rebuild's alone. */
static void let_go_of_stdin(void)
{
	const int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null_fd >= 0)
		dup2(null_fd, STDIN_FILENO);
	if (null_fd > STDIN_FILENO)
		close(null_fd);
}

void supervise(struct supervision *supervision)
{
	int failure;

	supervision->stdout_fd = supervision->stderr_fd = -1;
	handle_request(supervision);
	handle_front(supervision);
	if (supervision->missed) {
		supervision->exited = true;
		supervision->exit_status = EXIT_SIGNAL_BASE + supervision->missed;
	}
	if (supervision->cancelled_by || supervision->missed)
		return;
	failure = start(supervision);
	supervision->started_ms = clock_boot_ms();
	if (failure) {
		errno = failure;
		error_errno("cannot run '%s'", supervision->child.program);
		supervision->exited = true;
		supervision->exit_status =
			failure == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
		return;
	}
	let_go_of_stdin();
	share_with_front(supervision);
	wait_for_child(supervision);
}
