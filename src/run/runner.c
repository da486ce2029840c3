#include "run/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/wait.h>

#include "base/memory.h"
#include "base/message.h"
#include "ledger/recording.h"
#include "queue/cancellation.h"
#include "queue/lock.h"
#include "queue/outside.h"
#include "rebuild/activation.h"
#include "rebuild/system.h"
#include "run/blame.h"
#include "run/log.h"
#include "run/notice.h"
#include "run/outcome.h"
#include "run/remarks.h"
#include "run/rollback.h"
#include "run/steps.h"
#include "run/supervise.h"
#include "run/trial.h"

struct runner {
	struct run *run;
	struct output output;
	struct supervision supervision; /* of nixos-rebuild */
	struct system_state before, after;
	struct units_before units_before;
	bool unrecorded; /* the outcome */
};

/* What those who wait are told. */
static void show_in_ticket(void *data)
{
	struct runner *runner = data;
	const struct supervision *supervision = &runner->supervision;
	struct build *build = &runner->run->build;

	build->phase = supervision->progress.phase;
	build->child = supervision->child.pid && !supervision->exited
			       ? nested_name(supervision->child.pid)
			       : (struct process_name){0};
	ticket_update(&runner->run->turn.ticket, build);
	trial_note_phase(runner->run, supervision);
}

/* A build that is not recorded has no log either. */
static void open_log(struct runner *runner)
{
	struct build *build = &runner->run->build;
	const int fd = log_create(runner->run->settings, build->number);

	if (fd < 0)
		return;
	build->log = log_path(runner->run->settings, build->number);
	output_set_source(&runner->output, fd);
	if (runner->run->caller.is_agent)
		say("build %" PRIu64 " by %s, log: %s; it goes on if this call ends "
		    "(safe-rebuild attach %" PRIu64 ")",
			build->number, build->agent, build->log, build->number);
	else
		say("build %" PRIu64 " by %s, log: %s", build->number, build->agent,
			build->log);
}

static void begin_record(struct runner *runner)
{
	struct run *run = runner->run;
	struct build *build = &run->build;
	const char *ticket = ticket_name(&run->turn.ticket);

	build->started = time(NULL);
	build->ticket = xstrdup(ticket);
	build->runner = nested_name(getpid());
	outcome_note_before(build, run->request.action, &runner->before);
	if (run->ledger && ledger_begin(run->ledger, build) == 0) {
		output_tell(&runner->output, RELAY_BUILD, build->number);
		log_to_syslog("build %" PRIu64 " by %s begins: %s", build->number,
			build->agent, build->command);
		open_log(runner);
		notice_send(run->settings, &run->surroundings, "started", build);
	} else {
		warn_and_log(
			"this %s by %s is not recorded", build->action, build->agent);
	}
	show_in_ticket(runner);
}

/* The profile is set before the system is activated, if it is set at all. */
static bool has_begun_activation(void *data)
{
	const struct runner *runner = data;
	_cleanup_activation_ struct activation activation = {0};
	_cleanup_system_ struct system_state now =
		system_read(runner->run->settings, &runner->run->target);

	if (!system_equals(&now, &runner->before))
		return true;
	if (target_is_local(runner->run->target.name))
		activation_find(&activation, runner->run->settings);
	return activation.state == ACTIVATION_RUNNING;
}

static void run_child(struct runner *runner)
{
	struct run *run = runner->run;

	if (run->turn.requests < 0)
		run->turn.requests = cancellation_watch(&run->turn.ticket);
	if (run->back.system)
		steps_go_back(&runner->supervision, run);
	else if (run->trial.is_one)
		trial_run(&runner->supervision, run, &runner->before,
			&runner->units_before);
	else
		supervise(&runner->supervision);
	output_tell(&runner->output, RELAY_ENDED, 0);
	if (runner->supervision.signalled && target_is_local(run->target.name) &&
		action_changes_system(run->request.action)) {
		outside_wait_for_leftover(run->settings, run->build.started);
		supervision_drain(&runner->supervision);
	}
}

/* Returns the last line, to be said when everything else is done. */
static char *finish_record(struct runner *runner)
{
	struct run *run = runner->run;
	const struct supervision *supervision = &runner->supervision;
	const struct ending ending = {
		.exit_status = supervision->exit_status,
		.signalled = supervision->signalled,
		/* A trial that fails has not set it. */
		.sets_profile = run->request.action != ACTION_TEST &&
				!(run->trial.is_one && supervision->exit_status),
		.activation_begun = supervision->progress.activation_begun,
		.boot_loader_failed = supervision->progress.boot_loader_failed,
		.cancelled = supervision->cancelled_by && supervision->exit_status,
		.taken_back = run->trial.taken_back,
		.superseded = run->trial.superseded,
		.before = &runner->before,
		/* What another has made live is not this one's work. */
		.after = run->trial.superseded ? &runner->before : &runner->after,
	};
	char *sentence;
	struct build *build = &run->build;
	const bool recorded = build->number > 0;

	outcome_judge(build, run->request.action, &ending);
	if (ending.cancelled)
		build->cancelled_by = xstrdup(supervision->cancelled_by);
	build->stdout_size = supervision->stdout_size;
	if (supervision->stdout_size <= STDOUT_MAX)
		build->stdout_text = xstrdup(supervision->stdout_text);
	build->finished = time(NULL);
	if (recorded)
		remark_meanwhile(run, supervision->progress.lock_file_written);
	if (recorded && supervision->exit_status && !supervision->signalled)
		blame(run, &supervision->progress.error);
	if (run->back.system)
		rollback_end(run, &runner->after);
	else if (run->request.rollback && recorded && target_is_local(run->target.name))
		rollback_note_plain(run, &runner->before, &runner->after);
	remark_after(run, &runner->after);
	units_compare(run, &runner->units_before);
	sentence = outcome_sentence(build, &ending);
	runner->unrecorded = recorded && ledger_finish(run->ledger, build) < 0;
	if (runner->unrecorded)
		set_string(&sentence,
			xasprintf("%s; the outcome could not be recorded, the next run "
				  "will do that",
				sentence));
	log_to_syslog("%s by %s", sentence, run->caller.agent);
	notice_send(run->settings, &run->surroundings,
		run->back.system || run->trial.taken_back ? "rolled-back" : "finished",
		build);
	return sentence;
}

/* An outcome that could not be recorded stays in the dead ticket for the next run. */
static void end_turn(struct runner *runner)
{
	struct turn *turn = &runner->run->turn;

	if (runner->unrecorded) {
		show_in_ticket(runner);
		queue_close(turn);
	}
	queue_leave(turn);
}

/* Ends as if killed: the next run records what became of the build. */
static _noreturn_ void leave_to_timer(struct runner *runner)
{
	say("this process was told to end: nobody can keep build %" PRIu64
	    " any more, and systemd's timer takes it back",
		runner->run->build.number);
	output_end(&runner->output, 0);
	_exit(0);
}

static _noreturn_ void runner_main(struct run *run, int socket)
{
	struct runner runner = {
		.run = run,
		.supervision =
			{
				.output = &runner.output,
				.streams = &run->streams,
				.turn = &run->turn,
				.build = &run->build,
				.child =
					{
						.program = run->program,
						.argv = run->arguments.words,
						.surroundings = &run->surroundings,
						.group = run->streams.group,
					},
				.progress = PROGRESS_INIT,
				.changed = show_in_ticket,
				.has_begun_activation = has_begun_activation,
				.data = &runner,
			},
	};
	int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	char *last_words;

	supervision_start(&runner.supervision);
	/* Only the front keeps the caller's stdout and stderr, which close with it. */
	if (null_fd >= 0) {
		dup2(null_fd, STDOUT_FILENO);
		dup2(null_fd, STDERR_FILENO);
	}
	output_start(&runner.output, socket);
	message_redirect(output_say, &runner.output);
	runner.before = system_read(run->settings, &run->target);
	units_read_before(&runner.units_before, run);
	begin_record(&runner);
	run_child(&runner);
	if (run->trial.left_to_timer)
		leave_to_timer(&runner);
	runner.after = system_read(run->settings, &run->target);
	last_words = finish_record(&runner);
	if (run->settings->show_packages.len) {
		/* That takes seconds, and nobody should have to wait for it. */
		end_turn(&runner);
		remark_packages(run, &runner.before, &runner.after);
	}
	say("%s", last_words);
	/* Closing it takes the kernel milliseconds, so the exit does that. */
	run->turn.requests = -1;
	end_turn(&runner);
	output_end(&runner.output, runner.supervision.exit_status);
	if (run->build.log && run->streams.group)
		log_make_readable(run->build.log);
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

		/* What stays in the session can use its terminal for passwords. */
		if (run->streams.group)
			setpgid(0, 0);
		else
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
