#include "run/orphans.h"

#include <inttypes.h>

#include "base/memory.h"
#include "base/message.h"
#include "base/proc.h"
#include "changes/describe.h"
#include "ledger/builds.h"
#include "ledger/leftovers.h"
#include "ledger/recording.h"
#include "rebuild/system.h"
#include "run/confirmation.h"
#include "run/notice.h"

#define KILLED "its runner was killed"
/* The next run records the rest: a rebuild must not wait for thousands. */
#define RECORDED_MAX 20
#define FORGOTTEN_MAX 200

static bool has_no_runner(const struct build *build, const struct settings *settings)
{
	_cleanup_target_ struct target target = target_by_name(settings, build->target);

	/* Without a ticket it counts as running for a day; no build takes longer. */
	if (!build->ticket)
		return time(NULL) - build->started > 86400;
	return !ticket_is_alive(target.queue, build->ticket);
}

bool build_is_orphaned(const struct build *build, const struct settings *settings)
{
	return build_is_running(build) && has_no_runner(build, settings);
}

bool build_read_ticket(
	struct build *ret, const struct build *build, const struct settings *settings)
{
	_cleanup_target_ struct target target = target_by_name(settings, build->target);
	_cleanup_close_ int fd =
		build->ticket ? ticket_open(target.queue, build->ticket, NULL) : -1;

	return fd >= 0 && ticket_read(ret, fd);
}

/* Whether the ticket was written by the build's caller, or by root's runner. */
static bool is_its_own(const struct build *ticket, const struct build *orphan,
	const struct settings *settings)
{
	return ticket->number == orphan->number &&
	       ticket_is_believed(ticket, settings, caller_uid(orphan->user));
}

/* What a runner could not record it has left in its ticket. */
static bool find_left(
	struct build *ret, const struct build *orphan, const struct settings *settings)
{
	(void)!build_read_ticket(ret, orphan, settings);
	return ret->outcome != OUTCOME_NONE && ret->outcome != OUTCOME_RUNNING &&
	       is_its_own(ret, orphan, settings);
}

/* Root vouches for what it records. So an outcome in a member's ticket is left for the
 * member's own next call to record. */
static bool is_left_to_member(const struct build *orphan, const struct settings *settings)
{
	_cleanup_build_ struct build left = BUILD_INIT;
	const struct sharing *sharing = sharing_of(settings);

	return sharing->is_shared && find_left(&left, orphan, settings) && left.owner &&
	       left.owner != sharing->user;
}

/* Long values are cut in a ticket. */
static bool take_from_ticket(struct build *orphan, const struct settings *settings)
{
	_cleanup_build_ struct build left = BUILD_INIT;

	if (!find_left(&left, orphan, settings))
		return false;
	set_string(&left.command, TAKE_PTR(orphan->command));
	set_string(&left.message, TAKE_PTR(orphan->message));
	set_string(&left.ticket, TAKE_PTR(orphan->ticket));
	if (left.stdout_text && strlen(left.stdout_text) != left.stdout_size)
		set_string(&left.stdout_text, NULL);
	left.tree = orphan->tree;
	left.commit = orphan->commit;
	build_free(orphan);
	*orphan = left;
	left = (struct build)BUILD_INIT;
	return true;
}

/* It has no runner. */
static void judge(struct build *orphan, const struct settings *settings)
{
	_cleanup_target_ struct target target = target_by_name(settings, orphan->target);
	_cleanup_system_ struct system_state now = {0};

	if (take_from_ticket(orphan, settings))
		return;
	now = system_read(settings, &target);
	if (target.profile) {
		const enum action action = orphan->action
						   ? action_from_word(orphan->action)
						   : ACTION_UNKNOWN;

		set_string(&orphan->system_after, xstrdup(system_aim(&now, action)));
		orphan->generation = now.generation;
	}
	if (trial_was_taken_back(settings, orphan->number)) {
		orphan->outcome = OUTCOME_ROLLED_BACK;
		orphan->exit_status = EXIT_TAKEN_BACK;
		set_string(&orphan->taken_back, xstrdup(KILLED));
	} else {
		orphan->outcome = OUTCOME_INTERRUPTED;
	}
	orphan->finished = time(NULL);
}

void orphan_judge(struct build *build, const struct settings *settings)
{
	_cleanup_build_ struct build ticket = BUILD_INIT;

	if (!build_is_orphaned(build, settings))
		return;
	(void)!build_read_ticket(&ticket, build, settings);
	if (!ticket.child.pid ||
		process_has_ended(ticket.child.pid, ticket.child.start_ticks))
		judge(build, settings);
}

void orphans_at_work(struct builds *ret, const struct target *target)
{
	_cleanup_builds_ struct builds dead = {0};

	if (tickets_read_dead(&dead, target->queue) < 0)
		return;
	for (size_t i = 0; i < dead.len; i++) {
		const struct process_name *child = &dead.list[i].child;

		if (child->pid && !process_has_ended(child->pid, child->start_ticks))
			builds_add(ret, &dead.list[i]);
	}
}

static void say_recorded(const struct build *build)
{
	_cleanup_free_ char *line = describe_build(build);
	const bool was_killed = build->taken_back && streq(build->taken_back, KILLED);

	if (build->outcome == OUTCOME_INTERRUPTED || was_killed)
		say("build %" PRIu64 " by %s was %s: " KILLED, build->number,
			build->agent, was_killed ? "taken back" : "interrupted");
	else
		say("recorded only now: %s", line);
}

/* A member's claim must not become root's word: keep whose build it is, and drop what it
 * says about systems. */
static void disown(struct build *build, const struct ledger *ledger)
{
	uid_t writer;

	set_string(&build->user, ledger_owner_of(&writer, ledger, &build->commit)
					 ? caller_user(writer)
					 : xstrdup("unknown"));
	set_string(&build->system_before, NULL);
	set_string(&build->system_after, NULL);
	set_string(&build->profile_after, NULL);
	build->generation = build->generation_before = 0;
	build->outcome = OUTCOME_INTERRUPTED;
}

static void record_orphan(struct build *build, const struct run *run)
{
	_cleanup_target_ struct target target =
		target_by_name(run->settings, build->target);
	_cleanup_free_ char *ticket = xstrdup(build->ticket);

	judge(build, run->settings);
	if (!ledger_vouches(run->ledger, run->settings, &build->commit))
		disown(build, run->ledger);
	if (ledger_finish(run->ledger, build) < 0)
		return;
	if (ticket)
		ticket_sweep(target.queue, ticket);
	/* Only killed runs leave such objects, and that is rare. */
	ledger_remove_unfinished_objects(run->ledger);
	say_recorded(build);
	notice_send(run->settings, &run->surroundings,
		build->taken_back ? "rolled-back" : "finished", build);
}

static bool is_recorded(const struct build *ticket, struct ledger *ledger)
{
	_cleanup_build_ struct build build = BUILD_INIT;

	return build_in_chain(&build, ledger, ticket->number) > 0 &&
	       build_is_of_agent(&build, ticket->agent) &&
	       build.requested == ticket->requested;
}

/* If no nixos-rebuild can live on, it is enough that the build is not listed. */
static bool is_over(const struct build *ticket, struct ledger *ledger)
{
	return (!ticket->child.pid && !ledger_lists_as_running(ledger, ticket->number)) ||
	       is_recorded(ticket, ledger);
}

/* Tickets of builds that are not running any more: their runner was killed before it
 * removed them. */
static void sweep_recorded(struct ledger *ledger, const struct target *target)
{
	_cleanup_builds_ struct builds dead = {0};

	if (tickets_read_dead(&dead, target->queue) < 0)
		return;
	for (size_t i = 0; i < dead.len; i++)
		if (dead.list[i].number && is_over(&dead.list[i], ledger))
			ticket_sweep(target->queue, dead.list[i].ticket);
}

void orphans_record(const struct run *run)
{
	_cleanup_builds_ struct builds running = {0}, ended = {0};
	size_t recorded = 0;

	if (builds_running(&running, &ended, run->ledger) < 0)
		return;
	for (size_t i = 0; i < running.len && recorded < RECORDED_MAX; i++) {
		if (!has_no_runner(&running.list[i], run->settings) ||
			is_left_to_member(&running.list[i], run->settings))
			continue;
		record_orphan(&running.list[i], run);
		recorded++;
	}
	/* Their runner was killed between the record and the reference. */
	for (size_t i = 0; i < ended.len && i < FORGOTTEN_MAX; i++)
		(void)!ledger_forget_running(run->ledger, ended.list[i].number);
	sweep_recorded(run->ledger, &run->target);
	tickets_sweep_requests(run->target.queue);
}
