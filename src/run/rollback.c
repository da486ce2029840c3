#include "run/rollback.h"

#include <inttypes.h>

#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "changes/describe.h"
#include "changes/tree_diff.h"
#include "guard/refusal.h"
#include "queue/cancellation.h"
#include "rebuild/program.h"
#include "rebuild/system.h"
#include "record/config_name.h"
#include "run/confirmation.h"
#include "run/look.h"
#include "run/orphans.h"
#include "run/rollback_choice.h"
#include "run/steps.h"
#include "run/way_back.h"

#define PATHS_SHOWN 3
#define PATH_SHOWN 80

/* What a rollback would do to others. */
struct effect {
	struct builds taken; /* newest first */
	char *outside;       /* what runs, made outside; NULL: a build's */
	char *names;         /* of both, for --allow-undo; "": nothing */
	bool is_foreign;     /* some of it is not the caller's */
	bool brings_back;    /* the system that is gone back to was taken out once */
	uint64_t taken_by;   /* ... by this build; 0: outside */
	struct build by;
};

static void effect_free(struct effect *effect)
{
	builds_free(&effect->taken);
	free(effect->outside);
	free(effect->names);
	build_free(&effect->by);
}

/* The system that runs now, if it was made outside, so by no build; else NULL. */
static char *name_outside(const struct run *run, const struct system_state *now)
{
	_cleanup_build_ struct build maker = BUILD_INIT;

	if (!now->running || streq(now->running, run->back.system) ||
		build_by_system(&maker, run->ledger, now->running) != 0)
		return NULL;
	return rollback_name_system(run, now->running, now);
}

static int find_effect(
	struct effect *ret, const struct run *run, const struct system_state *now)
{
	_cleanup_strv_ struct strv names = {0};
	int out = rollback_was_taken_out(&ret->taken_by, run, run->back.system, now);

	if (out < 0 || rollback_collect(&ret->taken, run, run->back.system, now) < 0)
		return -1;
	ret->outside = name_outside(run, now);
	ret->is_foreign = ret->outside;
	if (ret->outside)
		strv_add(&names, ret->outside);
	for (size_t i = ret->taken.len; i-- > 0;) {
		strv_take(&names, xasprintf("%" PRIu64, ret->taken.list[i].number));
		ret->is_foreign =
			ret->is_foreign ||
			!build_is_of_agent(&ret->taken.list[i], run->caller.agent);
	}
	strv_sort(&names);
	ret->names = strv_join(&names, ",");
	ret->brings_back = out;
	return out && ret->taken_by ? build_in_chain(&ret->by, run->ledger, ret->taken_by)
				    : 0;
}

/* Who took out what this would bring back, and when. The caller frees. */
static char *describe_taking(const struct effect *effect)
{
	return effect->by.number
		       ? describe_build(&effect->by)
		       : xstrdup("by somebody who went back outside safe-rebuild");
}

/* Callers may undo their own rollbacks. */
static bool is_unseen_redo(const struct run *run, const struct effect *effect)
{
	return effect->brings_back &&
	       !build_is_of_agent(&effect->by, run->caller.agent) &&
	       !refusal_is_allowed(run->options->allow_redo, run->build.back_to);
}

static int refuse(struct run *run, const struct effect *effect, bool undo, bool redo)
{
	_cleanup_free_ char *goal = rollback_goal(run);
	_cleanup_free_ char *taking = describe_taking(effect);

	set_string(&run->build.refused,
		undo ? xasprintf("would take back the work of %s", effect->names)
		     : xasprintf("would bring back %s", goal));
	if (redo)
		error("refused: this rollback would bring back %s, which was rolled "
		      "back: "
		      "%s",
			goal, taking);
	if (undo)
		error("refused: this rollback would take back what others have made "
		      "live");
	for (size_t i = 0; undo && i < effect->taken.len; i++) {
		_cleanup_free_ char *line = describe_build(&effect->taken.list[i]);

		say("  %s%s", line,
			build_is_of_agent(&effect->taken.list[i], run->caller.agent)
				? " (yours)"
				: "");
	}
	if (undo && effect->outside)
		say("  %s, made outside safe-rebuild", effect->outside);
	say("if it is meant to %s: %s%s %s%s%s%s%s%s%s rollback %s",
		undo ? "go" : "come back", run->caller.elevation, program_own_name(),
		undo ? "--allow-undo " : "", undo ? effect->names : "",
		undo && redo ? " " : "", redo ? "--allow-redo " : "",
		redo ? run->build.back_to : "", *run->options->words ? " " : "",
		run->options->words, run->build.back_to);
	return EXIT_REFUSED;
}

static void say_effect(const struct run *run, const struct effect *effect)
{
	_cleanup_free_ char *goal = rollback_goal(run);
	_cleanup_free_ char *taking = describe_taking(effect);

	say("goes back to %s", goal);
	if (effect->brings_back)
		say("this brings back what was rolled back: %s", taking);
	for (size_t i = 0; i < effect->taken.len; i++) {
		_cleanup_free_ char *line = describe_build(&effect->taken.list[i]);

		say("takes out %s", line);
	}
	if (effect->outside)
		say("takes out %s, made outside safe-rebuild", effect->outside);
}

/* Says what will be taken out, or refuses if the caller may not do that. */
static int weigh(struct run *run, const struct system_state *now)
{
	_cleanup_(effect_free) struct effect effect = {.by = BUILD_INIT};
	bool undo, redo;

	if (find_effect(&effect, run, now) < 0)
		return EXIT_OWN_FAILURE;
	undo = effect.is_foreign &&
	       !refusal_is_allowed(run->options->allow_undo, effect.names);
	redo = is_unseen_redo(run, &effect);
	if (run->caller.is_agent && run->settings->guard_undo == UNDO_REFUSE &&
		(undo || redo))
		return refuse(run, &effect, undo, redo);
	say_effect(run, &effect);
	run->back.taken = *effect.names ? TAKE_PTR(effect.names) : NULL;
	return 0;
}

/* Asks the running build to end: its result would be taken out anyway. */
static void cancel_holder(const struct run *run)
{
	_cleanup_builds_ struct builds tickets = {0};
	_cleanup_record_ struct record request = {0};
	const struct build *holder;

	if (tickets_read(&tickets, run->target.queue) < 0)
		return;
	holder = tickets_holder(&tickets);
	if (!holder)
		return;
	if (run->caller.is_agent && !build_is_of_agent(holder, run->caller.agent))
		return;
	if (holder->phase != PHASE_EVALUATING && holder->phase != PHASE_BUILDING &&
		holder->phase != PHASE_UNCONFIRMED)
		return;
	record_set(&request, "By", run->caller.agent);
	record_set(&request, "Message",
		run->build.message ? run->build.message : "rollback");
	if (cancellation_request(NULL, run->target.queue, holder->ticket, &request) < 0) {
		warn_errno("cannot ask build %" PRIu64 " by %s to end, waiting for it",
			holder->number, holder->agent);
		return;
	}
	say("asked build %" PRIu64 " by %s to end", holder->number, holder->agent);
}

static int prepare(struct run *run, const char *name)
{
	int status;

	/* The command as it is recorded. */
	strv_add_words(&run->arguments, "safe-rebuild", "rollback", name);
	run->request = (struct request){
		.action = ACTION_SWITCH, .action_word = "rollback", .rollback = true};
	status = run_identify(run);
	if (status)
		return status;
	if (!steps_are_permitted(run))
		return fail(EXIT_NO_PERMISSION,
			"no permission to change what boots ('%s'): use sudo",
			run->target.profile);
	configuration_find(&run->configuration, &run->request);
	run_begin_build(run);
	status = run_share(run);
	if (status)
		return status;
	return ledger_open_to_record(&run->ledger, run->settings) < 0 ? EXIT_OWN_FAILURE
								      : 0;
}

static int leave(struct run *run, int status)
{
	queue_leave(&run->turn);
	return status;
}

/* With the turn. before: what ran and booted when the call came. */
static int go_back(struct run *run, const char *name, const struct system_state *before)
{
	_cleanup_system_ struct system_state now = {0};
	int status;

	orphans_record(run);
	now = system_read(run->settings, &run->target);
	status = rollback_choose(run, name, &now);
	if (status < 0)
		return leave(run, EXIT_OWN_FAILURE);
	if (status > 0) {
		_cleanup_free_ char *goal = rollback_goal(run);

		say("%s is what runs and boots already", goal);
		return leave(run, 0);
	}
	if (!name && !system_equals(before, &now)) {
		error("meanwhile another system was made live; to go back from that: "
		      "%ssafe-rebuild rollback %s",
			run->caller.elevation, run->build.back_to);
		return leave(run, EXIT_BUSY);
	}
	status = weigh(run, &now);
	if (status == EXIT_REFUSED)
		look_note_refusal(run);
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

int run_rollback(const struct settings *settings, const struct own_options *options,
	const char *name, const struct surroundings *surroundings)
{
	_cleanup_run_ struct run run = RUN_INIT;
	_cleanup_system_ struct system_state before = {0}, now = {0};
	_cleanup_trial_record_ struct trial_record trial = {0};
	bool ends_trial;
	int status;

	if (options->confirm_is_option)
		return fail(EXIT_USAGE, "--confirm: that works only with switch");
	run.settings = settings;
	run.options = options;
	run.surroundings = *surroundings;
	status = prepare(&run, name);
	if (status)
		return status;
	before = system_read(settings, &run.target);
	trial_read(&trial, settings, TRIAL_OPEN);
	ends_trial = trial.build && *trial.new_system == '/' && !name &&
		     may_end(&run, trial.build);
	/* What cannot be is said before anything is cancelled; what is being built may be
	 * what is gone back from. */
	if (!ends_trial && (name || !queue_is_busy(&run.target)) &&
		rollback_choose(&run, name, &before) < 0)
		return EXIT_OWN_FAILURE;
	/* Called once we have a place in the queue, so that nobody gets in between. */
	run.begins_to_wait = cancel_holder;
	status = run_enter_queue(&run, !run.caller.is_agent);
	if (status)
		return status;
	way_back_of_orphan(settings, surroundings);
	if (!ends_trial)
		return go_back(&run, name, &before);
	now = system_read(settings, &run.target);
	/* Somebody has just confirmed it: then we go back from the confirmed system. */
	if (!before.running || !now.running || streq(before.running, now.running))
		return go_back(&run, name, &now);
	say("build %" PRIu64 " was still unconfirmed and has been taken "
	    "back",
		trial.build);
	return leave(&run, 0);
}

/* The newest build that was taken out and whose configuration is known. */
static bool find_taken(struct build *ret, const struct run *run)
{
	_cleanup_strv_ struct strv names = strv_split(run->build.rolled_back, ",");
	uint64_t number, newest = 0;

	for (size_t i = 0; i < names.len; i++)
		if (text_to_number(names.words[i], UINT64_MAX, &number) &&
			number > newest)
			newest = number;
	return newest && build_by_number(ret, run->ledger, newest) > 0 &&
	       build_has_snapshot(ret);
}

/* The paths in which what was taken out differs from what runs now; NULL: not known. The
 * caller frees. */
static char *list_taken_paths(const struct run *run, const struct build *taken)
{
	_cleanup_path_changes_ struct path_changes changes = {0};
	struct strbuf out = STRBUF_INIT;

	if (tree_diff(&changes, run->ledger->repository, &run->back.to.tree,
		    &taken->tree) < 0 ||
		!changes.len)
		return NULL;
	for (size_t i = 0; i < changes.len && i < PATHS_SHOWN; i++)
		strbuf_put_owned(
			&out, i ? ", " : "", text_name(changes.list[i].path, PATH_SHOWN));
	if (changes.len > PATHS_SHOWN)
		strbuf_printf(&out, " and %zu more", changes.len - PATHS_SHOWN);
	return strbuf_take(&out);
}

/* " --flake REF", as the build was made; "" outside flakes. */
static char *flake_of(const struct build *build)
{
	_cleanup_free_ char *reference = NULL;

	if (!starts_with(build->config, "git+file:") &&
		!starts_with(build->config, "path:"))
		return xstrdup("");
	reference = text_shell_word(build->config);
	return xasprintf(" --flake %s", reference);
}

/*
 * How to remove it from the configuration, too. The guard does not watch the caller's own
 * work, so "diff --restore" has no patch for that.
 */
static void advise(const struct run *run, const struct system_state *now)
{
	const struct build *to = &run->back.to;
	_cleanup_build_ struct build taken = BUILD_INIT;
	_cleanup_free_ char *ours = NULL, *paths = NULL, *flake = NULL, *before = NULL,
			    *git = NULL;

	if (run->build.rolled_back && build_has_snapshot(to) && find_taken(&taken, run)) {
		ours = rollback_call_there(run, &taken, &git);
		flake = flake_of(&taken);
		paths = list_taken_paths(run, &taken);
	}
	if (!run->build.rolled_back)
		say("the configuration may lack what is live again: see safe-rebuild "
		    "diff");
	else if (!paths)
		say("if the configuration still has what was taken out, remove it "
		    "there, too, before the next build");
	else if (build_is_of_agent(&taken, run->caller.agent))
		say("if the configuration still has it (%s): %s show %" PRIu64
		    " --patch --since %" PRIu64 " | %s apply -R --whitespace=nowarn",
			paths, ours, taken.number, to->number, git);
	else
		say("if the configuration still has it (%s): %s diff --restore%s | "
		    "%s apply --allow-empty --whitespace=nowarn",
			paths, ours, flake, git);
	before = system_generation_path(run->settings, now->generation - 1);
	if (now->generation > 1 && now->generation != run->build.generation_before &&
		streq_known(taken.system_after, before))
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
		set_string(&build->config_subject, xstrdup(to->config_subject));
		set_string(&build->config, xstrdup(to->config));
	}
	advise(run, now);
}

void rollback_note_plain(struct run *run, const struct system_state *before,
	const struct system_state *now)
{
	_cleanup_builds_ struct builds taken = {0};
	_cleanup_strv_ struct strv names = {0};

	if (!now->running || !before->running || streq(now->running, before->running))
		return;
	run->build.back_to = rollback_name_system(run, now->running, now);
	if (rollback_collect(&taken, run, now->running, before) < 0)
		return;
	for (size_t i = taken.len; i-- > 0;)
		strv_take(&names, xasprintf("%" PRIu64, taken.list[i].number));
	if (names.len)
		run->build.rolled_back = strv_join(&names, ",");
}
