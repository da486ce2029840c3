#include "run/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"
#include "caller/process.h"
#include "ledger/ledger.h"
#include "queue/cancellation.h"
#include "queue/nested.h"
#include "queue/outside.h"
#include "queue/target.h"
#include "rebuild/activation.h"
#include "rebuild/system.h"
#include "run/advice.h"
#include "run/blame.h"
#include "run/log.h"
#include "run/meanwhile.h"
#include "run/outcome.h"
#include "run/supervise.h"

struct runner {
	struct run *run;
	struct ledger *ledger; /* NULL: nothing can be recorded */
	struct output output;
	struct supervision supervision; /* of nixos-rebuild */
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

/* What those who wait are told; what is set here is no part of the build's record. */
static void show_in_ticket(void *data)
{
	struct runner *runner = data;
	const struct supervision *supervision = &runner->supervision;
	struct run *run = runner->run;
	_cleanup_record_ struct record shown = {0};
	_cleanup_free_ char *self = nested_runner();
	struct process child;

	record_copy(&shown, &run->record);
	record_set(&shown, "Phase", phase_name(supervision->phase.phase));
	record_set(&shown, "Expected", run->expected);
	record_set(&shown, "Runner", self);
	record_set(&shown, "Cancel", supervision->answer);
	if (supervision->child.pid && !supervision->exited &&
		process_read(&child, supervision->child.pid))
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
	runner->ledger = run->ledger;
	if (!runner->ledger ||
		ledger_begin(runner->ledger, record, snapshot_tree(run)) < 0) {
		warn_and_log("this %s by %s is not recorded",
			record_get(record, "Action"), run->caller.agent);
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

/* Of a --target-host nothing is known here. */
static void read_system(struct system_state *ret, const struct run *run)
{
	*ret = (struct system_state){0};
	if (target_is_local(run->target))
		system_read(ret, run->settings, run->request.profile_name);
}

/* The profile is set before the system is activated, if it is set at all. */
static bool has_begun_activation(void *data)
{
	const struct runner *runner = data;
	_cleanup_activation_ struct activation activation = {0};
	_cleanup_system_ struct system_state now = {0};

	read_system(&now, runner->run);
	if (!system_equals(&now, &runner->before))
		return true;
	if (target_is_local(runner->run->target))
		activation_find(&activation, runner->run->settings);
	return activation.state == ACTIVATION_RUNNING;
}

static void run_child(struct runner *runner)
{
	struct run *run = runner->run;

	if (run->turn.ticket.fd >= 0)
		nested_mark(run->queue, ticket_name(&run->turn.ticket));
	if (run->turn.requests < 0)
		run->turn.requests = cancellation_watch(&run->turn.ticket);
	supervise(&runner->supervision, run->program, run->arguments.words,
		&run->surroundings);
	if (runner->supervision.signalled && target_is_local(run->target) &&
		action_changes_system(run->request.action))
		outside_wait_for_leftover(
			run->settings, record_get_time(&run->record, "Started"));
}

static void finish_record(struct runner *runner)
{
	struct run *run = runner->run;
	const struct supervision *supervision = &runner->supervision;
	const struct ending ending = {
		.exit_status = supervision->exit_status,
		.signalled = supervision->signalled,
		.cancelled = supervision->cancelled_by && supervision->exit_status,
		.before = &runner->before,
		.after = &runner->after,
	};
	_cleanup_free_ char *sentence = NULL;

	outcome_record(&run->record, run->request.action, &ending);
	if (ending.cancelled)
		record_set(&run->record, "Cancelled-By", supervision->cancelled_by);
	if (supervision->stdout_size)
		record_setf(&run->record, "Stdout-Size", "%" PRIu64,
			supervision->stdout_size);
	if (supervision->stdout_size <= STDOUT_MAX)
		record_set(&run->record, "Stdout", supervision->stdout_text);
	record_set_time(&run->record, "Finished", time(NULL));
	record_set(&run->record, "Ticket", NULL);
	if (runner->ledger)
		meanwhile_note(run, runner->ledger, supervision->phase.lock_file_written);
	if (supervision->exit_status && !supervision->signalled)
		blame(run, &supervision->phase.error);
	advise_after(run, &runner->after);
	sentence = outcome_sentence(&run->record, &ending);
	if (runner->ledger &&
		ledger_finish(runner->ledger, &run->record, snapshot_tree(run)) < 0)
		warn_and_log("the outcome is not recorded: %s by %s", sentence,
			run->caller.agent);
	say("%s", sentence);
}

static _noreturn_ void runner_main(struct run *run, int socket)
{
	struct runner runner = {
		.run = run,
		.supervision =
			{
				.output = &runner.output,
				.turn = &run->turn,
				.changed = show_in_ticket,
				.has_begun_activation = has_begun_activation,
				.data = &runner,
			},
	};
	int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	supervision_start(&runner.supervision);
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
	/* Closing it takes the kernel milliseconds: left to the exit. */
	run->turn.requests = -1;
	queue_leave(&run->turn);
	output_end(&runner.output, runner.supervision.exit_status);
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
