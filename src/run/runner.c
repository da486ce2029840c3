#include "run/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/signals.h"
#include "caller/process.h"
#include "ledger/ledger.h"
#include "queue/nested.h"
#include "queue/target.h"
#include "rebuild/system.h"
#include "run/log.h"
#include "run/meanwhile.h"
#include "run/outcome.h"
#include "run/output.h"
#include "run/phase.h"

/* As much as a pipe holds by default. */
#define COPY_SIZE 65536
/* Of nixos-rebuild's stdout (the result's path) so much is recorded. */
#define STDOUT_MAX 4096

struct runner {
	struct run *run;
	struct ledger *ledger; /* NULL: nothing can be recorded */
	struct output output;
	struct child child;
	struct phase_reader phase; /* of nixos-rebuild */
	char stdout_text[STDOUT_MAX + 1];
	uint64_t stdout_size; /* may be more than there is room for */
	int signals;
	bool exited, signalled;
	int exit_status;
	struct system_state before, after;
};

static void to_output(const char *line, size_t len, void *data)
{
	output_write(data, STDERR_FILENO, line, len);
}

static const git_oid *snapshot_tree(const struct run *run)
{
	return run->has_snapshot ? &run->snapshot.tree : NULL;
}

/* What those who wait are told; the last four keys are no part of the build's record. */
static void show_in_ticket(struct runner *runner)
{
	struct run *run = runner->run;
	_cleanup_record_ struct record shown = {0};
	_cleanup_free_ char *self = nested_runner();
	struct process child;

	record_copy(&shown, &run->record);
	record_set(&shown, "Phase", phase_name(runner->phase.phase));
	record_set(&shown, "Expected", run->expected);
	record_set(&shown, "Runner", self);
	if (runner->child.pid && !runner->exited &&
		process_read(&child, runner->child.pid))
		record_setf(
			&shown, "Child", "%d %llu", (int)child.pid, child.start_ticks);
	ticket_update(&run->turn.ticket, &shown);
}

static void begin_record(struct runner *runner)
{
	struct run *run = runner->run;
	struct record *record = &run->record;
	uint64_t number;
	int log_fd;

	record_set_time(record, "Started", time(NULL));
	record_set(record, "Ticket", ticket_name(&run->turn.ticket));
	if (run->records && ledger_open_to_record(&runner->ledger, run->settings) < 0)
		runner->ledger = NULL;
	if (!runner->ledger ||
		ledger_begin(runner->ledger, record, snapshot_tree(run)) < 0) {
		warn_and_log("this %s by %s is not recorded",
			record_get(record, "Action"), run->caller.agent);
		ledger_free(runner->ledger);
		runner->ledger = NULL;
		show_in_ticket(runner);
		return;
	}
	number = record_get_number(record, "Build");
	output_tell_build(&runner->output, number);
	log_fd = log_create(run->settings, number);
	if (log_fd >= 0) {
		_cleanup_free_ char *path = log_path(run->settings, number);

		record_set(record, "Log", path);
		output_open_log(&runner->output, log_fd);
		say("build %" PRIu64 " by %s, log: %s", number, run->caller.agent, path);
	}
	show_in_ticket(runner);
}

static void pass_signal_on(struct runner *runner, int signal)
{
	runner->signalled = true;
	if (!runner->exited)
		kill(-runner->child.pid, signal);
}

static void keep_stdout(struct runner *runner, const char *data, size_t len)
{
	if (runner->stdout_size + len <= STDOUT_MAX)
		memcpy(runner->stdout_text + runner->stdout_size, data, len);
	runner->stdout_size += len;
}

/* Copies what is there; returns false at the end of the stream. */
static bool copy_stream(struct runner *runner, int *fd, int stream)
{
	char data[COPY_SIZE];
	ssize_t got;

	if (*fd < 0)
		return false;
	got = read(*fd, data, sizeof(data));
	if (got > 0)
		output_write(&runner->output, stream, data, (size_t)got);
	if (got > 0 && stream == STDOUT_FILENO)
		keep_stdout(runner, data, (size_t)got);
	if (got > 0 && stream == STDERR_FILENO &&
		phase_read(&runner->phase, data, (size_t)got))
		show_in_ticket(runner);
	if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)))
		return got > 0;
	close(*fd);
	*fd = -1;
	return false;
}

/* What is in the pipe now; what a daemon goes on to write is nobody's output any more. */
static void drain_stream(struct runner *runner, int *fd, int stream)
{
	int left = 0;

	if (*fd < 0 || ioctl(*fd, FIONREAD, &left) < 0)
		return;
	for (; left > 0 && copy_stream(runner, fd, stream); left -= COPY_SIZE)
		;
}

static void handle_front(struct runner *runner)
{
	struct relay_message message;
	int fd;
	ssize_t got = relay_receive(runner->output.socket, &message, &fd);

	if (got > 0 && message.type == RELAY_SIGNAL)
		pass_signal_on(runner, message.number);
	else if (got == 0 || (got < 0 && errno != EAGAIN))
		output_drop_front(&runner->output);
}

static void handle_signal(struct runner *runner)
{
	struct signalfd_siginfo info;
	int status;

	if (read(runner->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) {
		pass_signal_on(runner, (int)info.ssi_signo);
		return;
	}
	if (info.ssi_signo != SIGCHLD ||
		waitpid(runner->child.pid, &status, WNOHANG) <= 0)
		return;
	runner->exited = true;
	runner->exit_status = child_exit_status(status);
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGSEGV &&
		WTERMSIG(status) != SIGABRT)
		runner->signalled = true;
}

static int watch_signals(void)
{
	static const int watched[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, 0};

	return signals_watch(watched, NULL);
}

static void wait_for_child(struct runner *runner)
{
	struct child *child = &runner->child;

	while (!runner->exited) {
		struct pollfd fds[] = {
			{.fd = runner->signals, .events = POLLIN},
			{.fd = child->stdout_fd, .events = POLLIN},
			{.fd = child->stderr_fd, .events = POLLIN},
			{.fd = runner->output.socket,
				.events = (short)(POLLIN |
						  (runner->output.pending_len ? POLLOUT
									      : 0))},
		};

		if (poll(fds, ARRAY_LEN(fds), -1) < 0)
			continue;
		if (fds[1].revents)
			copy_stream(runner, &child->stdout_fd, STDOUT_FILENO);
		if (fds[2].revents)
			copy_stream(runner, &child->stderr_fd, STDERR_FILENO);
		if (fds[3].revents & POLLOUT)
			output_push(&runner->output);
		if (fds[3].revents & ~POLLOUT)
			handle_front(runner);
		if (fds[0].revents)
			handle_signal(runner);
	}
	/* What is left in the pipes; a daemon that keeps them open is not waited for. */
	drain_stream(runner, &child->stdout_fd, STDOUT_FILENO);
	drain_stream(runner, &child->stderr_fd, STDERR_FILENO);
}

static void run_child(struct runner *runner)
{
	struct run *run = runner->run;
	int null_fd, failure;

	if (run->turn.ticket.fd >= 0)
		nested_mark(run->queue, ticket_name(&run->turn.ticket));
	failure = child_start(
		&runner->child, run->program, run->arguments.words, &run->surroundings);
	if (failure) {
		errno = failure;
		error_errno("cannot run '%s'", run->program);
		runner->exit_status =
			failure == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
		return;
	}
	show_in_ticket(runner);
	null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null_fd >= 0)
		dup2(null_fd, STDIN_FILENO);
	if (null_fd > STDIN_FILENO)
		close(null_fd);
	wait_for_child(runner);
}

static void finish_record(struct runner *runner)
{
	struct run *run = runner->run;
	const struct ending ending = {
		.exit_status = runner->exit_status,
		.signalled = runner->signalled,
		.before = &runner->before,
		.after = &runner->after,
	};
	_cleanup_free_ char *sentence = NULL;

	outcome_record(&run->record, run->request.action, &ending);
	if (runner->stdout_size)
		record_setf(&run->record, "Stdout-Size", "%" PRIu64, runner->stdout_size);
	if (runner->stdout_size <= STDOUT_MAX)
		record_set(&run->record, "Stdout", runner->stdout_text);
	record_set_time(&run->record, "Finished", time(NULL));
	record_set(&run->record, "Ticket", NULL);
	if (runner->ledger)
		meanwhile_note(run, runner->ledger, runner->phase.lock_file_written);
	sentence = outcome_sentence(&run->record, &ending);
	if (runner->ledger &&
		ledger_finish(runner->ledger, &run->record, snapshot_tree(run)) < 0)
		warn_and_log("the outcome is not recorded: %s by %s", sentence,
			run->caller.agent);
	say("%s", sentence);
}

/* Of a --target-host nothing is known here. */
static void read_system(struct system_state *ret, const struct run *run)
{
	*ret = (struct system_state){0};
	if (target_is_local(run->target))
		system_read(ret, run->settings, run->request.profile_name);
}

static _noreturn_ void runner_main(struct run *run, int socket)
{
	struct runner runner = {.run = run, .signals = watch_signals()};
	int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	/* The caller's stdout and stderr are the front's alone: when it goes, they close.
	 */
	if (null_fd >= 0) {
		dup2(null_fd, STDOUT_FILENO);
		dup2(null_fd, STDERR_FILENO);
	}
	output_start(&runner.output, socket);
	message_redirect(to_output, &runner.output);
	read_system(&runner.before, run);
	begin_record(&runner);
	run_child(&runner);
	read_system(&runner.after, run);
	finish_record(&runner);
	queue_leave(&run->turn);
	output_end(&runner.output, runner.exit_status);
	_exit(0);
}

int runner_start(int *ret_socket, struct run *run)
{
	_cleanup_close_ int runner_end = -1, front_end = -1;
	pid_t pid;
	int status;

	if (relay_pair(&runner_end, &front_end) < 0)
		return error_errno("cannot start the runner");
	pid = fork();
	if (pid < 0)
		return error_errno("cannot start the runner");
	if (pid == 0) {
		pid_t runner;

		setsid();
		runner = fork();
		if (runner != 0)
			_exit(runner < 0 ? EXIT_OWN_FAILURE : 0);
		close(front_end);
		runner_main(run, runner_end);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_errno("cannot start the runner");
	if (status != 0)
		return error("cannot start the runner: no process could be made");
	queue_close(&run->turn);
	*ret_socket = TAKE_FD(front_end);
	return 0;
}
