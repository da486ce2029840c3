#include "guard/guard.h"

#include <inttypes.h>

#include "base/memory.h"
#include "base/message.h"
#include "changes/describe.h"
#include "guard/refusal.h"
#include "queue/ticket.h"
#include "rebuild/target.h"
#include "record/config_name.h"

void guard_free(struct guard *guard)
{
	for (size_t i = 0; i < guard->len; i++) {
		live_free(&guard->list[i].live);
		verdict_free(&guard->list[i].verdict);
	}
	free(guard->list);
	*guard = (struct guard){0};
}

/* switch replaces what runs and what boots next, boot and test one of them. */
static bool is_replaced(enum action action, const struct live *live, int len)
{
	return len == 1 || action == ACTION_SWITCH ||
	       live->runs == (action == ACTION_TEST);
}

/*
 * Whether what runs (live) is older than somebody's build that boots next: what that has
 * dropped, the caller does not take away. The other way round, a newer build that only
 * runs has taken nothing out of what boots next.
 */
static bool is_superseded(
	const struct live *live, const struct live *other, const char *agent)
{
	return live->is_build && other->is_build && build_has_snapshot(&other->build) &&
	       !build_is_of_agent(&other->build, agent) &&
	       other->build.number > live->build.number;
}

/* Whether what runs (live) is newer than what boots next, and so only tested: boot does
 * not replace it, but it ends with the next restart. */
static bool is_tested(const struct live *live, const struct live *other)
{
	return live->is_build && other->is_build &&
	       live->build.number > other->build.number;
}

static void add_lives(struct guard *guard)
{
	const struct guard_call *call = guard->call;
	const enum action action = call->request->action;
	struct live lives[LIVES_MAX];
	const int len = lives_find(lives, call->ledger, call->settings, call->target);
	bool soft = false;

	if (len < 0) {
		warn("cannot tell whether this takes away what is live; going on anyway");
		guard->is_unknown = true;
	}
	if (len == 2 && lives[0].runs)
		soft = action == ACTION_SWITCH
			       ? is_superseded(&lives[0], &lives[1], call->caller->agent)
			       : action == ACTION_BOOT && is_tested(&lives[0], &lives[1]);
	/* What is judged less strictly comes last. */
	for (int i = 0; i < LIVES_MAX; i++) {
		struct live *live = &lives[soft ? LIVES_MAX - 1 - i : i];
		const bool is_soft = soft && live->runs;

		if (len > 0 && live->system &&
			(is_soft || is_replaced(action, live, len)))
			*list_add(guard->list, guard->len) =
				(struct guarded){.live = *live, .is_soft = is_soft};
		else
			live_free(live);
	}
}

static bool is_guarded_already(const struct guard *guard, uint64_t number)
{
	for (size_t i = 0; i < guard->len; i++)
		if (guard->list[i].live.build.number == number)
			return true;
	return false;
}

static void add_running(struct guard *guard)
{
	const struct guard_call *call = guard->call;
	_cleanup_builds_ struct builds tickets = {0};

	if (tickets_read(&tickets, call->target->queue) < 0)
		return;
	for (size_t i = 0; i < tickets.len; i++) {
		const struct build *ticket = &tickets.list[i];
		struct build build = BUILD_INIT;

		/* A build that has already set the system is judged as live. */
		if (build_is_waiting(ticket) || !ticket->number ||
			is_guarded_already(guard, ticket->number) ||
			!ticket_name_queues(ticket->ticket) ||
			build_by_number(&build, call->ledger, ticket->number) <= 0 ||
			!build_is_running(&build) || !build_has_snapshot(&build)) {
			build_free(&build);
			continue;
		}
		*list_add(guard->list, guard->len) = (struct guarded){
			.is_running = true,
			.live = {.is_build = true,
				.runs = true,
				.name = xasprintf("%" PRIu64, build.number),
				.description = describe_build(&build),
				.build = build},
		};
	}
}

/* Only what would have been refused is worth a warning. */
static void soften(struct guarded *guarded)
{
	for (size_t i = 0; i < guarded->verdict.len; i++) {
		enum item_verdict *verdict = &guarded->verdict.list[i].verdict;

		*verdict = *verdict == VERDICT_REFUSED ? VERDICT_WARNING : VERDICT_NONE;
	}
	guarded->verdict.more = 0;
	guarded->is_other_machine = false;
}

static void judge_one(struct guard *guard, struct guarded *guarded)
{
	const struct guard_call *call = guard->call;
	const struct build *live = &guarded->live.build;
	/* diff and status mean the machine that is live, unless they name another. */
	const bool is_named = call->command || call->request->flake;

	guarded->hand = (struct case_at_hand){
		.call = call,
		.live = live,
		.is_running = guarded->is_running,
		.resumed = guarded->live.resumed,
	};
	guarded->is_other_machine =
		is_named &&
		config_other_machine(live->config, call->configuration->name) &&
		!build_is_of_agent(live, call->caller->agent);
	if (build_has_snapshot(live) && git_oid_equal(&live->tree, &call->snapshot->tree))
		return;
	if (judge(&guarded->verdict, &guarded->hand) < 0) {
		warn("cannot tell whether this takes away what is live (%s); going on "
		     "anyway",
			guarded->live.description);
		guard->is_unknown = true;
		return;
	}
	if (guarded->is_soft)
		soften(guarded);
	else
		guard->is_unknown = guard->is_unknown || guarded->verdict.is_unknown;
}

static bool is_guarded(const struct guard_call *call)
{
	return call->settings->guard_undo != UNDO_OFF &&
	       action_changes_system(call->request->action) &&
	       call->request->action != ACTION_UNKNOWN &&
	       target_is_local(call->target->name);
}

void guard_judge(struct guard *ret, const struct guard_call *call, bool arriving)
{
	*ret = (struct guard){.call = call};
	if (!is_guarded(call))
		return;
	add_lives(ret);
	if (arriving)
		add_running(ret);
	if (call->request->rollback)
		return;
	if (!call->snapshot && ret->len) {
		if (!arriving)
			say("cannot tell whether this takes away what is live: there is "
			    "no snapshot");
		ret->is_unknown = true;
		return;
	}
	for (size_t i = 0; i < ret->len; i++)
		judge_one(ret, &ret->list[i]);
	ret->is_unknown = ret->is_unknown || (ret->len && call->snapshot->left_out);
}

bool guarded_refuses(const struct guarded *guarded)
{
	for (size_t i = 0; i < guarded->verdict.len; i++)
		if (guarded->verdict.list[i].verdict == VERDICT_REFUSED)
			return true;
	return guarded->is_other_machine || guarded->verdict.more;
}

bool guard_refuses(const struct guard *guard)
{
	for (size_t i = 0; i < guard->len; i++)
		if (guarded_refuses(&guard->list[i]))
			return true;
	return false;
}

bool guard_stops(const struct guard *guard)
{
	return guard_refuses(guard) && guard->call->settings->guard_undo == UNDO_REFUSE;
}

static bool has_verdict(const struct guard *guard, enum item_verdict verdict)
{
	for (size_t i = 0; i < guard->len; i++)
		for (size_t j = 0; j < guard->list[i].verdict.len; j++)
			if (guard->list[i].verdict.list[j].verdict == verdict)
				return true;
	return false;
}

bool guard_lacks_own(const struct guard *guard)
{
	return has_verdict(guard, VERDICT_OWN);
}

bool guard_warns(const struct guard *guard)
{
	return has_verdict(guard, VERDICT_WARNING);
}

const char *guard_verdict_word(const struct guard *guard)
{
	if (guard_stops(guard))
		return "refused";
	return guard->is_unknown ? "not known" : "passes";
}

int guard_check(const struct guard_call *call, struct build *build, bool arriving)
{
	_cleanup_guard_ struct guard guard = {0};

	guard_judge(&guard, call, arriving);
	return refusal_decide(&guard, build, arriving);
}
