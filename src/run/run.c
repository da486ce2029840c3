#include "run/run.h"

#include <errno.h>

#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "ledger/recording.h"
#include "queue/lock.h"
#include "queue/making.h"
#include "queue/outside.h"
#include "rebuild/program.h"
#include "run/front.h"
#include "run/join.h"
#include "run/log.h"
#include "run/look.h"
#include "run/runner.h"
#include "run/trial_choice.h"
#include "run/watch.h"
#include "run/way_back.h"
#include "run/word.h"

/* Counts the times in a row that safe-rebuild ran another safe-rebuild by mistake. */
#define DEPTH_VARIABLE "SAFE_REBUILD_DEPTH"
#define DEPTH_MAX 8

void run_free(struct run *run)
{
	caller_free(&run->caller);
	configuration_free(&run->configuration);
	target_free(&run->target);
	free(run->program);
	strv_free(&run->arguments);
	build_free(&run->build);
	free(run->back.system);
	free(run->back.taken);
	build_free(&run->back.to);
	free(run->trial.settings_path);
	free(run->trial.old_system);
	free(run->trial.new_system);
	snapshot_free(&run->snapshot);
	ledger_free(run->ledger);
	queue_close(&run->turn);
}

/*
 * We are not needed: nixos-rebuild takes the place of this process. If that program is
 * another safe-rebuild under that name, it would do the same, and so on without end.
 */
static int exec_program(struct run *run)
{
	const char *depth = getenv(DEPTH_VARIABLE);
	uint64_t number = 0;
	char next[16];

	if (depth)
		text_to_number(depth, DEPTH_MAX, &number);
	if (number == DEPTH_MAX)
		return fail(EXIT_NOT_FOUND,
			"'%s' is safe-rebuild again, not nixos-rebuild: set [rebuild] command",
			run->program);
	snprintf(next, sizeof(next), "%d", (int)number + 1);
	setenv(DEPTH_VARIABLE, next, true);
	surroundings_leave(&run->surroundings);
	execv(run->program, run->arguments.words);
	error_errno("cannot run '%s'", run->program);
	return errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
}

static bool names_secret(const char *option)
{
	static const char *const parts[] = {"token", "password", "secret"};

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (strcasestr(option, parts[i]))
			return true;
	return false;
}

/* The command line as everybody may see it: "--option access-tokens ...". */
static char *words_without_secrets(char *const *words)
{
	_cleanup_strv_ struct strv shown = {0};
	bool hidden = false, names_setting = false;

	for (; *words; words++) {
		const char *equals = strchr(*words, '=');
		const bool is_option = **words == '-' || names_setting;

		if (hidden)
			strv_add(&shown, "...");
		else if (is_option && equals && names_secret(*words))
			strv_take(&shown,
				xasprintf("%.*s=...", (int)(equals - *words), *words));
		else
			strv_add(&shown, *words);
		/* Flags that only ask have no value. */
		names_setting = streq(*words, "--option");
		hidden = !hidden && !equals && is_option && names_secret(*words) &&
			 !starts_with(*words, "--ask-");
	}
	return shown.len ? text_shell_words(shown.words) : xstrdup("");
}

/* What was asked for, by whom: "switch --flake .#box", without the program's name. */
void run_begin_build(struct run *run)
{
	struct build *build = &run->build;

	build->agent = xstrdup(run->caller.agent);
	build->session = xstrdup(run->caller.session);
	build->user = xstrdup(run->caller.user);
	build->target = xstrdup(run->target.name);
	build->action = xstrdup(run->request.action_word);
	build->command = words_without_secrets(run->arguments.words + 1);
	build->directory = getcwd(NULL, 0);
	build->message = xstrdup(run->options->message);
	build->config = xstrdup(run->configuration.name);
	build->requested = time(NULL);
}

bool run_needs_lock(const struct run *run)
{
	return action_needs_lock(run->request.action, run->settings->queue_builds);
}

static void begin_to_wait(void *data)
{
	struct run *run = data;
	_cleanup_ledger_ struct ledger *ledger = NULL;

	if (run->begins_to_wait)
		run->begins_to_wait(run);
	if (ledger_open(&ledger, run->settings) < 0)
		return;
	run->has_waited =
		!ledger || ledger_highest_number(ledger, &run->numbers_given) == 0;
	if (ledger)
		look_estimate(run, ledger);
}

int run_enter_queue(struct run *run, bool first)
{
	const struct queue_call call = {
		.settings = run->settings,
		.target = &run->target,
		.build = &run->build,
		.is_agent = run->caller.is_agent,
		.first = first,
		.wait_ms = run->options->wait_ms >= 0 ? run->options->wait_ms
						      : run->settings->queue_wait_ms,
		.begins = begin_to_wait,
		.data = run,
	};

	if (run_needs_lock(run))
		return queue_enter(&run->turn, &call);
	queue_enter_beside(&run->turn, &call);
	return 0;
}

static int find_program(
	struct run *run, const char *command, const struct strv *words, size_t from)
{
	int status = program_find(&run->program, command);

	if (status)
		return status;
	strv_add(&run->arguments, run->program);
	strv_add_all(&run->arguments, words->words + from);
	return 0;
}

int run_identify(struct run *run)
{
	if (caller_identify(&run->caller, run->options->agent) < 0)
		return EXIT_USAGE;
	run->target = target_of_request(run->settings, &run->request);
	if (nested_is_inside(&run->target, run_needs_lock(run))) {
		if (!run->program)
			return fail(EXIT_BUSY, "a rollback cannot run within a build");
		return exec_program(run);
	}
	streams_find(&run->streams, run->settings, run->caller.is_agent);
	return 0;
}

static int prepare_rebuild(struct run *run, const struct strv *words)
{
	int status = find_program(run, run->settings->rebuild_command, words, 0);

	if (status)
		return status;
	request_parse(&run->request, words);
	/* nixos-rebuild itself refuses what it does not know. */
	if (run->request.help || run->request.action == ACTION_UNKNOWN ||
		action_is_harmless(run->request.action))
		return exec_program(run);
	status = run_identify(run);
	if (status)
		return status;
	configuration_find(&run->configuration, &run->request);
	run_begin_build(run);
	status = trial_prepare(run, words);
	if (status)
		return status;
	/* On a terminal nixos-rebuild can ask for the password. */
	return run->streams.group ? 0
				  : elevation_check(&run->request, &run->surroundings);
}

static int prepare_any_command(struct run *run, const struct strv *words)
{
	_cleanup_free_ char *line = words_without_secrets(words->words);
	int status = find_program(run, words->words[0], words, 1);

	if (status)
		return status;
	run->request = (struct request){.action = ACTION_UNKNOWN, .action_word = "exec"};
	status = run_identify(run);
	if (status)
		return status;
	run->configuration = (struct configuration){
		.kind = CONFIGURATION_ELSEWHERE,
		.name = xstrdup(words->words[0]),
		.why_elsewhere = "it is not known what a command builds",
	};
	run_begin_build(run);
	set_string(&run->build.command, xasprintf("exec -- %s", line));
	return 0;
}

/* Whether there is a lock and a queue, or neither is needed. */
static bool can_queue(const struct run *run)
{
	_cleanup_close_ int fd = lock_open(run->target.directory, (gid_t)-1);

	return !run_needs_lock(run) || (fd >= 0 && access(run->target.queue, F_OK) == 0);
}

int run_share(const struct run *run)
{
	int status = 0;

	/* The queue comes last, so that whoever can queue can also record. */
	if (getuid() == 0 && ledger_make(run->settings) == 0)
		(void)!log_make_directory(run->settings);
	if (getuid() == 0 && queue_make(run->settings, &run->target) < 0 &&
		errno == ENOSPC && !can_queue(run)) {
		errno = ENOSPC;
		status = fail_errno(EXIT_OWN_FAILURE, "cannot queue in '%s'",
			run->settings->run_path);
	}
	sharing_lower_rights(run->settings);
	return status;
}

static bool has_person_to_ask(const struct run *run)
{
	return !run->caller.is_agent && run->streams.group && isatty(STDERR_FILENO) &&
	       tcgetpgrp(STDIN_FILENO) == getpgrp();
}

int run_hand_over(struct run *run)
{
	const int signals = watch_signals();
	uint64_t unconfirmed;
	int socket, status;

	if (runner_start(&socket, run) < 0) {
		queue_leave(&run->turn);
		return EXIT_OWN_FAILURE;
	}
	if (run_needs_lock(run) && target_is_local(run->target.name))
		outside_name_rebuilds();
	status = front_follow(
		socket, signals, run->caller.is_agent, &run->streams, &unconfirmed);
	if (status || !unconfirmed || !has_person_to_ask(run))
		return status;
	return word_ask(run->settings, &run->target, unconfirmed, run->caller.agent);
}

int run_rebuild(const struct settings *settings, const struct own_options *options,
	const struct strv *words, const struct surroundings *surroundings, bool is_any)
{
	_cleanup_run_ struct run run = RUN_INIT;
	int status;

	run.settings = settings;
	run.options = options;
	run.surroundings = *surroundings;
	status = is_any ? prepare_any_command(&run, words) : prepare_rebuild(&run, words);
	if (status)
		return status;
	status = run_share(&run);
	if (status)
		return status;
	join_describe_request(&run);
	status = run_needs_lock(&run) ? trial_check_own(&run) : 0;
	if (status)
		return status;
	status = run_needs_lock(&run) ? join_own_running(&run) : -1;
	if (status >= 0)
		return status;
	status = look_before_queue(&run);
	if (!status)
		status = run_enter_queue(&run, false);
	if (status)
		return status;
	if (run_needs_lock(&run) && target_is_system(run.target.name))
		way_back_of_orphan(settings, surroundings);
	look_at_configuration(&run);
	status = look_tell(&run);
	if (!status)
		status = join_finished(&run);
	if (status >= 0) {
		queue_leave(&run.turn);
		return status;
	}
	return run_hand_over(&run);
}
