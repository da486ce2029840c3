#include "run/rollback.h"

#include <errno.h>
#include <inttypes.h>

#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "changes/describe.h"
#include "guard/checkout.h"
#include "guard/refusal.h"
#include "ledger/names.h"
#include "queue/cancellation.h"
#include "rebuild/system.h"
#include "run/confirmation.h"
#include "run/runner.h"
#include "run/steps.h"

/* So many generations are looked at for one that is another system. */
#define GENERATIONS_MAX 100

/* The build that made the system, no rollback that went back to it. */
static int find_maker(struct build *ret, const struct run *run, const char *system)
{
	struct build_walk walk = builds_walk(run->ledger, run->target.name);
	int found;

	while ((found = builds_next(ret, &walk)) > 0)
		if (!ret->back_to && build_made_its_system(ret) &&
			streq(ret->system_after, system))
			break;
	return found;
}

static int choose_system(struct run *run, const char *system, const char *name)
{
	_cleanup_free_ char *number = NULL;

	if (find_maker(&run->back.to, run, system) > 0)
		number = xasprintf("%" PRIu64, run->back.to.number);
	run->back.system = xstrdup(system);
	run->build.back_to = xstrdup(number ? number : name);
	return 0;
}

static int choose_generation_before(struct run *run, const struct system_state *now)
{
	for (uint64_t i = 1; i < now->generation && i <= GENERATIONS_MAX; i++) {
		const uint64_t generation = now->generation - i;
		_cleanup_free_ char *name = xasprintf("gen:%" PRIu64, generation);
		_cleanup_free_ char *system =
			system_generation_path(run->settings, generation);

		if (system && (!now->running || !streq(system, now->running)))
			return choose_system(run, system, name);
	}
	return error("there is nothing to go back to: no build and no generation before "
		     "what runs (name one: rollback BUILD, gen:N or a store path)");
}

/* Whether the last thing that was done is a "boot" that has not taken effect yet. */
static bool is_boot_pending(const struct run *run, const struct system_state *now)
{
	struct build_walk walk = builds_walk(run->ledger, run->target.name);
	_cleanup_build_ struct build last = BUILD_INIT;

	if (!now->running || !now->profile || streq(now->running, now->profile))
		return false;
	while (builds_next(&last, &walk) > 0)
		if (build_made_its_system(&last))
			return streq(last.action, "boot") &&
			       streq(last.system_after, now->profile);
	return false;
}

/* What ran before the build that runs now; before one that only boots next: what runs. */
static int choose_before(struct run *run, const struct system_state *now)
{
	_cleanup_build_ struct build live = BUILD_INIT;
	int found;

	if (is_boot_pending(run, now))
		return choose_system(run, now->running, now->running);
	found = now->running ? find_maker(&live, run, now->running) : 0;
	if (found < 0)
		return -1;
	if (found && live.system_before && !streq(live.system_before, now->running))
		return choose_system(run, live.system_before, live.system_before);
	return choose_generation_before(run, now);
}

/* An agent's newest that is not what runs, for "@AGENT". */
static int find_good_of(
	struct build *ret, const struct run *run, const char *agent, const char *running)
{
	struct build_walk walk = builds_walk(run->ledger, run->target.name);
	int found;

	while ((found = builds_next(ret, &walk)) > 0)
		if (build_is_of_agent(ret, agent) && !ret->back_to &&
			build_made_its_system(ret) && ret->outcome == OUTCOME_SUCCEEDED &&
			(!running || !streq(ret->system_after, running)))
			break;
	return found ? found
		     : error("there is no good build of '%s' to go back to", agent);
}

static int choose_by_name(
	struct run *run, const char *name, const struct system_state *now)
{
	_cleanup_build_ struct build build = BUILD_INIT;
	_cleanup_free_ char *system = NULL;
	uint64_t number;
	int found;

	if (*name == '/')
		return choose_system(run, name, name);
	if (starts_with(name, "gen:") && text_to_number(name + 4, UINT64_MAX, &number)) {
		system = system_generation_path(run->settings, number);
		return system ? choose_system(run, system, name)
			      : error("there is no generation %" PRIu64, number);
	}
	if (*name == '@' && agent_name_is_valid(name + 1))
		found = find_good_of(&build, run, name + 1, now->running);
	else
		found = build_by_name(&build, run->ledger, run->settings, name);
	if (found < 0)
		return -1;
	if (!build.system_after || !build_made_its_system(&build) ||
		!build_is_of_target(&build, run->target.name))
		return error("build %" PRIu64 " made no system of this machine live",
			build.number);
	return choose_system(run, build.system_after, name);
}

static const char *kind_of(const struct run *run)
{
	return run->back.to.number ? "build " : "";
}

/* It may have been garbage-collected. */
static int check_system(const struct run *run)
{
	const struct build *to = &run->back.to;
	_cleanup_free_ char *script =
		xasprintf("%s/bin/switch-to-configuration", run->back.system);

	if (access(script, X_OK) == 0)
		return 0;
	error("the system of %s%s is gone ('%s'): %s", kind_of(run), run->build.back_to,
		run->back.system, strerror(errno));
	if (to->number && build_has_snapshot(to))
		say("its configuration is recorded; to build it again: safe-rebuild show "
		    "%" PRIu64 " --patch --since live | git apply --3way",
			to->number);
	return -1;
}

/*
 * Newest first, what has become live since the system that is gone back to. What an
 * earlier rollback has taken out is out already.
 */
static int collect_taken(struct builds *ret, const struct run *run)
{
	struct build_walk walk = builds_walk(run->ledger, run->target.name);
	_cleanup_build_ struct build build = BUILD_INIT;
	_cleanup_free_ char *resumed = NULL; /* the system that a rollback went back to */
	int found;

	while ((found = builds_next(&build, &walk)) > 0) {
		if (!build_made_its_system(&build))
			continue;
		if (resumed && !streq(build.system_after, resumed))
			continue;
		if (build.back_to) {
			set_string(&resumed, xstrdup(build.system_after));
			continue;
		}
		set_string(&resumed, NULL);
		if (streq(build.system_after, run->back.system))
			break;
		builds_add(ret, &build);
	}
	return found < 0 ? -1 : 0;
}

/* The system made outside that runs now, which no build stands for. */
static char *name_outside(const struct run *run, const struct system_state *now)
{
	_cleanup_build_ struct build maker = BUILD_INIT;

	if (!now->running || streq(now->running, run->back.system) ||
		build_by_system(&maker, run->ledger, now->running) != 0)
		return NULL;
	return now->profile && streq(now->profile, now->running)
		       ? xasprintf("gen:%" PRIu64, now->generation)
		       : xstrdup(now->running);
}

static int refuse(const struct run *run, const struct own_options *options,
	const char *names, const struct builds *taken)
{
	error("refused: this rollback takes back what others have made live");
	for (size_t i = 0; i < taken->len; i++) {
		_cleanup_free_ char *line = describe_build(&taken->list[i]);

		if (!build_is_of_agent(&taken->list[i], run->caller.agent))
			say("  %s", line);
	}
	say("if it is meant to go: %ssafe-rebuild --allow-undo %s%s%s rollback %s",
		getuid() == 0 && run->caller.uid ? "sudo " : "", names,
		*options->words ? " " : "", options->words, run->build.back_to);
	return EXIT_REFUSED;
}

/* Says what will be taken out, and whether the caller may. */
static int weigh(struct run *run, const struct own_options *options,
	const struct system_state *now)
{
	_cleanup_builds_ struct builds taken = {0};
	_cleanup_strv_ struct strv numbers = {0};
	_cleanup_free_ char *outside = name_outside(run, now), *names = NULL;
	bool foreign = outside;

	if (collect_taken(&taken, run) < 0)
		return EXIT_OWN_FAILURE;
	if (outside)
		strv_add(&numbers, outside);
	for (size_t i = taken.len; i-- > 0;) {
		strv_take(&numbers, xasprintf("%" PRIu64, taken.list[i].number));
		foreign =
			foreign || !build_is_of_agent(&taken.list[i], run->caller.agent);
	}
	strv_sort(&numbers);
	names = strv_join(&numbers, ",");
	if (run->caller.is_agent && foreign && run->settings->guard_undo == UNDO_REFUSE &&
		!refusal_is_allowed(options->allow_undo, names))
		return refuse(run, options, names, &taken);
	say("goes back to %s%s", kind_of(run), run->build.back_to);
	for (size_t i = 0; i < taken.len; i++) {
		_cleanup_free_ char *line = describe_build(&taken.list[i]);

		say("takes out %s", line);
	}
	if (outside)
		say("takes out %s, made outside safe-rebuild", outside);
	run->back.taken = *names ? TAKE_PTR(names) : NULL;
	return 0;
}

/* One that builds what is to be taken out, or comes before it, need not go on. */
static void cancel_holder(const struct run *run)
{
	_cleanup_builds_ struct builds tickets = {0};
	_cleanup_record_ struct record request = {0};
	const struct build *holder;

	if (tickets_read(&tickets, run->target.queue) < 0 || !tickets.len)
		return;
	holder = &tickets.list[0];
	if (run->caller.is_agent && !build_is_of_agent(holder, run->caller.agent))
		return;
	if (!ticket_name_queues(holder->ticket) ||
		(holder->phase != PHASE_EVALUATING && holder->phase != PHASE_BUILDING &&
			holder->phase != PHASE_UNCONFIRMED))
		return;
	record_set(&request, "By", run->caller.agent);
	record_set(&request, "Message", "rollback");
	if (cancellation_request(run->target.queue, holder->ticket, &request) < 0)
		return;
	say("asked build %" PRIu64 " by %s to end", holder->number, holder->agent);
}

/* Which system, as things are now. 0, -1 (printed), or 1: it is what runs and boots. */
static int find_system(struct run *run, const char *name, const struct system_state *now)
{
	free(run->back.system);
	run->back.system = NULL;
	set_string(&run->build.back_to, NULL);
	build_free(&run->back.to);
	if ((name ? choose_by_name(run, name, now) : choose_before(run, now)) < 0 ||
		check_system(run) < 0)
		return -1;
	return now->running && now->profile && streq(now->running, run->back.system) &&
	       streq(now->profile, run->back.system);
}

static int prepare(struct run *run, const struct own_options *options, const char *name)
{
	int status;

	/* As it is recorded. */
	strv_add(&run->arguments, "safe-rebuild");
	strv_add(&run->arguments, "rollback");
	if (name)
		strv_add(&run->arguments, name);
	run->request = (struct request){
		.action = ACTION_SWITCH, .action_word = "rollback", .rollback = true};
	status = run_identify(run, options);
	if (status)
		return status;
	if (!steps_are_permitted(run)) {
		error("no permission to change what boots ('%s'): use sudo",
			run->target.profile);
		return EXIT_NO_PERMISSION;
	}
	configuration_find(&run->configuration, &run->request);
	run_begin_build(run, options);
	run_share(run);
	return ledger_open_to_record(&run->ledger, run->settings) < 0 ? EXIT_OWN_FAILURE
								      : 0;
}

static int leave(struct run *run, int status)
{
	queue_leave(&run->turn);
	return status;
}

/* With the turn. before: what ran and booted when the call came. */
static int go_back(struct run *run, const struct own_options *options, const char *name,
	const struct system_state *before)
{
	_cleanup_system_ struct system_state now = {0};
	int status;

	runner_record_orphans(run->ledger, run->settings);
	system_read(&now, run->settings, &run->target);
	status = find_system(run, name, &now);
	if (status < 0)
		return leave(run, EXIT_OWN_FAILURE);
	if (status > 0) {
		say("%s%s is what runs and boots already", kind_of(run),
			run->build.back_to);
		return leave(run, 0);
	}
	if (!name && !system_equals(before, &now)) {
		error("meanwhile another system was made live: say which one to go back "
		      "to (safe-rebuild log, rollback BUILD)");
		return leave(run, EXIT_BUSY);
	}
	status = weigh(run, options, &now);
	return status ? leave(run, status) : run_hand_over(run);
}

/* A person may end any trial, an agent its own. */
static bool may_end(const struct run *run, uint64_t number)
{
	_cleanup_build_ struct build build = BUILD_INIT;

	return !run->caller.is_agent ||
	       (build_by_number(&build, run->ledger, number) > 0 &&
		       build_is_of_agent(&build, run->caller.agent));
}

static bool trial_is_gone(
	const struct system_state *before, const struct system_state *now)
{
	return before->running && now->running && !streq(before->running, now->running);
}

int run_rollback(const struct settings *settings, const struct own_options *options,
	const char *name, const struct surroundings *surroundings)
{
	_cleanup_run_ struct run run = RUN_INIT;
	_cleanup_system_ struct system_state before = {0}, now = {0};
	_cleanup_trial_record_ struct trial_record trial = {0};
	bool ends_trial;
	int status;

	run.settings = settings;
	run.surroundings = *surroundings;
	status = prepare(&run, options, name);
	if (status)
		return status;
	system_read(&before, settings, &run.target);
	trial_read(&trial, settings);
	ends_trial = trial.build && !name && may_end(&run, trial.build);
	/* What cannot be is said before anything is cancelled. */
	if (!ends_trial && find_system(&run, name, &before) < 0)
		return EXIT_OWN_FAILURE;
	cancel_holder(&run);
	status = run_enter_queue(&run, options, !run.caller.is_agent);
	if (status)
		return status;
	if (!ends_trial)
		return go_back(&run, options, name, &before);
	system_read(&now, settings, &run.target);
	/* Somebody has confirmed it at this moment: then it is what is gone back from. */
	if (!trial_is_gone(&before, &now))
		return go_back(&run, options, name, &now);
	say("build %" PRIu64 " was not confirmed yet, and has gone back", trial.build);
	return leave(&run, 0);
}

/* The newest build that was taken out and whose configuration is known. */
static bool find_taken(struct build *ret, const struct run *run)
{
	_cleanup_free_ char *names = xstrdup(run->build.rolled_back);
	uint64_t number, newest = 0;
	char *rest = NULL;

	for (const char *name = strtok_r(names, ",", &rest); name;
		name = strtok_r(NULL, ",", &rest))
		if (text_to_number(name, UINT64_MAX, &number) && number > newest)
			newest = number;
	return newest && build_by_number(ret, run->ledger, newest) > 0 &&
	       build_has_snapshot(ret);
}

/* "cd DIRECTORY && ", where the build's checkout is still there. */
static char *put_cd(const struct build *build)
{
	_cleanup_free_ char *checkout = checkout_of_build(build), *words = NULL;
	char *const cd[] = {(char[]){"cd"}, checkout, NULL};

	if (!checkout)
		return xstrdup("");
	words = text_shell_words(cd);
	return xasprintf("%s && ", words);
}

static void advise(const struct run *run, const struct system_state *now)
{
	const struct build *to = &run->back.to;
	_cleanup_build_ struct build taken = BUILD_INIT;
	_cleanup_free_ char *cd = NULL;

	if (run->build.rolled_back && build_has_snapshot(to) && find_taken(&taken, run)) {
		cd = put_cd(&taken);
		say("the configuration still has it; to take it out there: "
		    "%ssafe-rebuild show %" PRIu64 " --patch --since %" PRIu64
		    " | git apply -R --3way",
			cd, taken.number, to->number);
	} else {
		say("the configuration still has it: take it out there, too, before the "
		    "next build");
	}
	if (now->generation > 1 && now->generation != run->build.generation_before)
		say("a plain nixos-rebuild --rollback would now lead to generation "
		    "%" PRIu64 ", which was taken out",
			now->generation - 1);
}

void rollback_end(struct run *run, const struct system_state *now)
{
	const struct build *to = &run->back.to;
	struct build *build = &run->build;

	if (!now->running || !streq(now->running, run->back.system))
		return;
	set_string(&build->rolled_back, TAKE_PTR(run->back.taken));
	if (to->number && build_has_snapshot(to)) {
		build->tree = to->tree;
		build->config_state = to->config_state;
		build->config_commit = to->config_commit;
		build->config_tree = to->config_tree;
		set_string(&build->config, to->config ? xstrdup(to->config) : NULL);
	}
	advise(run, now);
}
