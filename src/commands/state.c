#include "commands/state.h"

#include "base/memory.h"
#include "base/message.h"
#include "base/proc.h"
#include "changes/changes.h"
#include "changes/uncommitted.h"
#include "guard/guard.h"
#include "guard/refusal.h"
#include "ledger/lineage.h"
#include "queue/lock.h"
#include "queue/pause.h"
#include "queue/ticket.h"
#include "record/config_name.h"
#include "run/orphans.h"
#include "run/remarks.h"

#define LAST_BUILDS 3
#define REFUSED_SHOWN 2
#define REFUSED_SECONDS 86400

void state_free(struct state *state)
{
	caller_free(&state->caller);
	for (size_t i = 0; i < state->queues_len; i++) {
		target_free(&state->queues[i].target);
		builds_free(&state->queues[i].tickets);
		builds_free(&state->queues[i].killed);
		free(state->queues[i].stranger);
	}
	free(state->queues);
	system_free(&state->system);
	build_free(&state->live);
	build_free(&state->boot);
	build_free(&state->own);
	builds_free(&state->last);
	builds_free(&state->refused);
	ledger_free(state->ledger);
	free(state->root);
	strv_free(&state->uncommitted);
	free(state->untracked);
	free(state->unfinished);
	free(state->why);
	free(state->machine);
	free(state->failed);
	free(state->paused);
	trial_record_free(&state->trial);
}

/* The same range as in "diff": since the caller's own last build of a configuration. */
static int gather_last(struct state *state)
{
	struct build_walk walk = builds_walk(state->ledger, NULL);
	_cleanup_build_ struct build at = BUILD_INIT;
	_cleanup_changes_ struct changes changes = {.base = BUILD_INIT};
	const git_oid *own = &state->own.commit; /* which may have had no snapshot */
	int found;

	if (changes_find_base(&changes, state->ledger, &state->caller,
		    state->queues[0].target.name) < 0)
		return -1;
	if (changes.base_kind == BASE_OWN)
		own = &changes.base.commit;
	while ((found = builds_next(&at, &walk)) > 0 && !git_oid_equal(&at.commit, own) &&
		!git_oid_equal(&at.commit, &state->own.commit)) {
		if (build_is_of_agent(&at, state->caller.agent))
			continue;
		state->since_own++;
		if (state->last.len < LAST_BUILDS)
			builds_add(&state->last, &at);
		else if (!state->own.number)
			break;
	}
	return found < 0 ? -1 : 0;
}

/* The newest refusal of each agent that has not built since. */
static int gather_refused(struct state *state)
{
	struct build_walk walk = refusals_walk(state->ledger);
	_cleanup_build_ struct build call = BUILD_INIT, later = BUILD_INIT;
	_cleanup_strv_ struct strv seen = {0};
	int found = 0;

	while (state->refused.len < REFUSED_SHOWN &&
		(found = builds_next(&call, &walk)) > 0 &&
		call.finished > time(NULL) - REFUSED_SECONDS) {
		if (strv_has(&seen, call.agent))
			continue;
		strv_add(&seen, call.agent);
		found = build_by_agent(&later, state->ledger, call.target, call.agent);
		if (found < 0)
			return -1;
		if (!found || later.finished < call.finished)
			builds_add(&state->refused, &call);
	}
	return found < 0 ? -1 : 0;
}

static int find_going_back(struct state *state)
{
	_cleanup_lineage_ struct lineage lineage = {.newer = BUILD_INIT};
	const int found = lineage_begin(&lineage, state->ledger,
		state->queues[0].target.name, state->system.profile);

	state->went_back = found > 0;
	return found;
}

/* A build on trial is live but in no chain yet; its runner may have been killed. */
static int gather_trial(struct state *state, const struct settings *settings)
{
	const struct trial_record *trial = &state->trial;
	_cleanup_build_ struct build build = BUILD_INIT;
	int found = build_by_number(&build, state->ledger, trial->build);

	if (found <= 0)
		return found;
	state->trial_is_orphaned = build_is_orphaned(&build, settings);
	if (!state->live.number && state->system.running &&
		streq(trial->new_system, state->system.running))
		build_copy(&state->live, &build);
	return 0;
}

static int gather_builds(struct state *state, const struct settings *settings)
{
	const struct system_state *system = &state->system;

	const struct target *target = &state->queues[0].target;

	if (system->running &&
		live_build(&state->live, state->ledger, target, system->running,
			settings->current_system_path) < 0)
		return -1;
	if (system->profile && system->running &&
		!streq(system->profile, system->running) &&
		live_build(&state->boot, state->ledger, target, system->profile,
			target->profile) < 0)
		return -1;
	orphan_judge(&state->live, settings);
	orphan_judge(&state->boot, settings);
	if (find_going_back(state) < 0 ||
		build_by_agent(&state->own, state->ledger, NULL, state->caller.agent) < 0)
		return -1;
	return gather_last(state) < 0 ? -1 : gather_refused(state);
}

static void gather_queue(
	struct queue_state *ret, const struct settings *settings, const char *name)
{
	*ret = (struct queue_state){.target = target_by_name(settings, name)};
	if (tickets_read(&ret->tickets, ret->target.queue) < 0) {
		warn_errno("cannot see who builds or waits ('%s')", ret->target.queue);
		ret->unknown = true;
	}
	orphans_at_work(&ret->killed, &ret->target);
	ret->stranger = lock_describe_holder(ret->target.directory);
}

static void gather_queues(struct state *state, const struct settings *settings)
{
	_cleanup_strv_ struct strv targets = target_list(settings);

	state->queues = xcalloc(targets.len, sizeof(*state->queues));
	for (size_t i = 0; i < targets.len; i++)
		gather_queue(
			&state->queues[state->queues_len++], settings, targets.words[i]);
}

/* What would be said about a switch to the caller's configuration now. */
static void gather_verdict(struct state *state, const struct settings *settings,
	const struct request *request, const struct configuration *configuration,
	const struct snapshot *snapshot)
{
	const struct guard_call call = {
		.settings = settings,
		.ledger = state->ledger,
		.caller = &state->caller,
		.target = &state->queues[0].target,
		.request = request,
		.configuration = configuration,
		.snapshot = snapshot,
	};
	_cleanup_strbuf_ struct strbuf why = STRBUF_INIT;
	_cleanup_guard_ struct guard guard = {0};
	_cleanup_free_ char *name = NULL;

	guard_judge(&guard, &call, true);
	refusal_put_summary(&why, &guard);
	state->verdict = guard_verdict_word(&guard);
	state->machine =
		xstrdup(config_other_machine(state->live.config, configuration->name));
	if (guard_refuses(&guard))
		state->why = strbuf_take(&why);
	state->lacks_own = guard_lacks_own(&guard);
	state->warns = guard_warns(&guard);
	name = state->machine
		       ? xasprintf("%.*s#%s", (int)strcspn(configuration->name, "#"),
				 configuration->name, state->machine)
		       : xstrdup(configuration->name);
	state->failed = remark_failed(state->ledger, call.target->name,
		request->action_word, name, &snapshot->tree);
}

/* The caller's configuration: what is not committed, and what would become of it. */
static void gather_configuration(struct state *state, const struct settings *settings,
	const struct request *request, struct configuration *configuration)
{
	_cleanup_snapshot_ struct snapshot snapshot = {0};
	_cleanup_edits_ struct edits edits = {0};

	if (configuration->kind == CONFIGURATION_ELSEWHERE ||
		snapshot_take(&snapshot, configuration, settings, state->ledger, false) <
			0)
		return;
	gather_verdict(state, settings, request, configuration, &snapshot);
	edits_read(&edits, settings);
	if (!configuration->is_git || configuration->kind == CONFIGURATION_COMMIT ||
		uncommitted_list(&state->uncommitted, state->ledger, configuration,
			&snapshot, &edits) <= 0)
		return;
	state->root = TAKE_PTR(configuration->root);
	state->untracked = TAKE_PTR(snapshot.untracked);
	state->unfinished = TAKE_PTR(snapshot.unfinished);
}

int state_gather(struct state *ret, const struct context *context)
{
	_cleanup_configuration_ struct configuration configuration = {0};
	const struct request request = {.action = ACTION_SWITCH, .action_word = "switch"};

	configuration_find_here(&configuration, &request);
	if (command_enter(&ret->caller, context) < 0)
		return -1;
	ret->paused = pause_describe(context->settings);
	trial_read(&ret->trial, context->settings, TRIAL_OPEN);
	gather_queues(ret, context->settings);
	ret->system = system_read(context->settings, &ret->queues[0].target);
	/* A ledger that cannot be read still leaves the queue and the links to tell. */
	ret->is_unreadable = ledger_open(&ret->ledger, context->settings) < 0 ||
			     (ret->ledger && gather_builds(ret, context->settings) < 0) ||
			     (ret->ledger && ret->trial.build &&
				     gather_trial(ret, context->settings) < 0);
	if (ret->is_unreadable)
		warn("what is recorded is not shown, or not all of it");
	if (ret->ledger)
		gather_configuration(ret, context->settings, &request, &configuration);
	return 0;
}
