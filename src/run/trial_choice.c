#include "run/trial_choice.h"

#include <inttypes.h>

#include "base/memory.h"
#include "base/message.h"
#include "queue/ticket.h"
#include "rebuild/system.h"
#include "run/steps.h"

static bool has_check(const struct settings *settings)
{
	return settings->health_check.len || settings->health_units;
}

/* Only a warning, because the new system may bring the program. */
static void warn_of_missing_check(const struct settings *settings)
{
	const char *program =
		settings->health_check.len ? settings->health_check.words[0] : "";

	if (*program == '/' && access(program, X_OK) < 0)
		warn("[health] check: '%s' cannot be run now: if the new system does not "
		     "bring it, the switch will be taken back",
			program);
}

static bool has_running_system(const struct run *run)
{
	_cleanup_system_ struct system_state now =
		system_read(run->settings, &run->target);

	return now.running;
}

/* Why a switch cannot be tried first; NULL: it can. */
static const char *find_obstacle(const struct run *run, int64_t confirm_ms)
{
	const struct request *request = &run->request;

	if (request->action != ACTION_SWITCH)
		return "that works only with switch";
	if (!target_is_system(run->target.name))
		return "that works only for this machine's own system";
	if (request->rollback || request->specialisation)
		return "that does not work with --rollback or --specialisation";
	if (!steps_are_permitted(run))
		return "only root can activate the old system again (use sudo)";
	if (!has_running_system(run))
		return "there is no link to the running system";
	if (confirm_ms && !steps_have_systemd(run->settings))
		return "the way back needs systemd's timers, and there is no systemd";
	return NULL;
}

int trial_prepare(struct run *run, const struct strv *words)
{
	const bool is_switch = run->request.action == ACTION_SWITCH;
	const bool wanted =
		run->options->confirm_is_option ||
		(is_switch && (run->options->confirm_ms || has_check(run->settings)));
	const char *obstacle =
		wanted ? find_obstacle(run, run->options->confirm_ms) : NULL;

	if (obstacle && run->options->confirm_is_option)
		return fail(EXIT_USAGE, "--confirm: %s", obstacle);
	if (obstacle && run->options->confirm_ms)
		warn("SAFE_REBUILD_CONFIRM is ignored, the new system stays without it: "
		     "%s",
			obstacle);
	else if (obstacle)
		warn("the new system's health is not checked: %s", obstacle);
	if (!wanted || obstacle)
		return 0;
	warn_of_missing_check(run->settings);
	run->trial.confirm_ms = run->options->confirm_ms;
	/* A unit's working directory is another one. */
	run->trial.settings_path =
		run->options->settings ? realpath(run->options->settings, NULL) : NULL;
	run->trial.is_one = true;
	for (size_t i = 0; i < words->len; i++)
		if (words->words[i] == run->request.action_word)
			set_string(&run->arguments.words[i + 1], xstrdup("test"));
	return 0;
}

int trial_check_own(const struct run *run)
{
	_cleanup_builds_ struct builds tickets = {0};

	if (tickets_read(&tickets, run->target.queue) < 0)
		return 0;
	for (size_t i = 0; i < tickets.len; i++) {
		const struct build *ticket = &tickets.list[i];

		if (ticket->phase != PHASE_UNCONFIRMED ||
			!build_is_of_agent(ticket, run->caller.agent) ||
			!ticket_is_believed(ticket, run->settings, run->caller.uid))
			continue;
		return fail(EXIT_BUSY,
			"your build %" PRIu64
			" waits to be confirmed: safe-rebuild confirm "
			"%" PRIu64 ", or wait until it has gone back",
			ticket->number, ticket->number);
	}
	return 0;
}
