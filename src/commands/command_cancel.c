#include <errno.h>
#include <inttypes.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "caller/caller.h"
#include "changes/describe.h"
#include "commands/command.h"
#include "ledger/builds.h"
#include "queue/cancellation.h"
#include "queue/waiting.h"
#include "run/orphans.h"

/* A runner answers at once; nixos-rebuild may take its time to end. */
#define ANSWER_MS 10000
#define END_MS 60000
#define LOOK_MS 20

/* Whose run is meant: the caller's own, an agent's, or a build's. */
struct wanted {
	const char *agent; /* NULL: any */
	uint64_t build;    /* 0: any */
};

static bool is_wanted(const struct build *ticket, const struct wanted *wanted)
{
	return (!wanted->build || ticket->number == wanted->build) &&
	       (!wanted->agent || build_is_of_agent(ticket, wanted->agent));
}

/* In the queue of one target; a running build comes before a waiting one. */
static int find_in_queue(
	struct build *found, const char *queue, const struct wanted *wanted)
{
	_cleanup_builds_ struct builds tickets = {0};

	if (tickets_read(&tickets, queue) < 0)
		return error_errno("cannot see who runs or waits ('%s')", queue);
	for (size_t i = 0; i < tickets.len; i++) {
		struct build *ticket = &tickets.list[i];

		if (!is_wanted(ticket, wanted) ||
			(found->ticket &&
				(build_is_waiting(ticket) || !build_is_waiting(found))))
			continue;
		build_free(found);
		build_copy(found, ticket);
	}
	return 0;
}

static int find(
	struct build *ret, const struct settings *settings, const struct wanted *wanted)
{
	_cleanup_strv_ struct strv names = target_list(settings);

	for (size_t i = 0; i < names.len; i++) {
		_cleanup_target_ struct target target =
			target_by_name(settings, names.words[i]);

		if (find_in_queue(ret, target.queue, wanted) < 0)
			return -1;
	}
	return 0;
}

/* Of a build whose runner was killed nothing is left that could be asked. */
static bool tell_killed(const struct settings *settings, const struct wanted *wanted)
{
	_cleanup_strv_ struct strv names = target_list(settings);
	_cleanup_builds_ struct builds killed = {0};

	for (size_t i = 0; i < names.len; i++) {
		_cleanup_target_ struct target target =
			target_by_name(settings, names.words[i]);

		orphans_at_work(&killed, &target);
	}
	for (size_t i = 0; i < killed.len; i++)
		if (is_wanted(&killed.list[i], wanted))
			return error("build %" PRIu64
				     " by %s: its runner was killed, and cannot be asked; "
				     "nixos-rebuild goes on: kill %d ends it",
				       killed.list[i].number, killed.list[i].agent,
				       (int)killed.list[i].child.pid) < 0;
	return false;
}

static int parse_wanted(struct wanted *ret, const char *word, const struct caller *caller)
{
	*ret = (struct wanted){0};
	if (!word)
		ret->agent = caller->agent;
	else if (*word == '@' && word[1])
		ret->agent = word + 1;
	else if (!text_to_number(word, UINT64_MAX, &ret->build) || !ret->build)
		return error("'%s' is neither a build number, such as 43, nor "
			     "@AGENT",
			word);
	return 0;
}

/* An agent may end only its own run, a person any run, but must tell others why. */
static int check_permission(
	const struct build *found, const struct caller *caller, const char *message)
{
	const char *agent = found->agent;
	const bool own = build_is_of_agent(found, caller->agent);

	if (!own && caller->is_agent) {
		error("this run belongs to %s: only a person or %s may cancel it; ask your user",
			agent, agent);
		return EXIT_NO_PERMISSION;
	}
	if (!own && !message)
		return fail(EXIT_USAGE,
			"this run belongs to %s: tell them why, with --message WHY",
			agent);
	return 0;
}

/* Until the run has ended or has refused; what its ticket said last is in *ret. */
static bool wait_for_answer(struct build *ret, int ticket, uint64_t request)
{
	const int64_t asked = clock_boot_ms();

	for (;;) {
		const bool alive = ticket_read(ret, ticket);
		const int64_t waited = clock_boot_ms() - asked;

		const bool is_answered = ret->cancel && ret->cancel_request == request;

		if (!alive || (is_answered && !streq(ret->cancel, CANCEL_ACCEPTED)))
			return true;
		if (waited > END_MS || (!is_answered && waited > ANSWER_MS))
			return false;
		build_free(ret);
		clock_sleep_ms(LOOK_MS);
	}
}

/* The build as it was recorded; false where it was none. */
static bool find_build(
	struct build *ret, const struct context *context, const struct build *last)
{
	_cleanup_ledger_ struct ledger *ledger = NULL;

	return last->number && ledger_open(&ledger, context->settings) == 0 && ledger &&
	       build_in_chain(ret, ledger, last->number) > 0;
}

static int tell_answer(const struct context *context, const struct build *last)
{
	_cleanup_build_ struct build build = BUILD_INIT;
	const bool built = find_build(&build, context, last);
	_cleanup_free_ char *line =
		built ? describe_build(&build) : waiting_describe(last);

	if (last->cancel && !streq(last->cancel, CANCEL_ACCEPTED))
		return fail(EXIT_REFUSED,
			"not cancelled: %s (safe-rebuild attach follows it)",
			last->cancel);
	if (!last->cancel || (built && !build.cancelled_by && !build.taken_back_by))
		return fail(
			EXIT_REFUSED, "it ended before it could be cancelled: %s", line);
	answer("cancelled: %s", line);
	return 0;
}

static int cancel(const struct context *context, const struct caller *caller,
	const struct build *found)
{
	_cleanup_target_ struct target target =
		target_by_name(context->settings, found->target);
	const char *queue = target.queue, *name = found->ticket;
	_cleanup_close_ int ticket = ticket_open(queue, name, NULL);
	_cleanup_record_ struct record request = {0};
	_cleanup_build_ struct build last = BUILD_INIT;
	uint64_t id = 0;
	bool is_answered;

	record_set(&request, "By", caller->agent);
	record_set(&request, "Message", context->own->message);
	if (ticket < 0 || cancellation_request(&id, queue, name, &request) < 0) {
		if (ticket >= 0 && errno == EEXIST)
			error("somebody else is cancelling it already");
		else if (ticket >= 0)
			error_errno("cannot ask it to end ('%s')", queue);
		else
			error("it has ended");
		return ticket >= 0 && (errno == EACCES || errno == EPERM ||
					      errno == EROFS)
			       ? EXIT_NO_PERMISSION
			       : EXIT_REFUSED;
	}
	is_answered = wait_for_answer(&last, ticket, id);
	cancellation_withdraw(queue, name);
	if (is_answered)
		return tell_answer(context, &last);
	return fail(EXIT_BUSY,
		"no answer, and it still runs: its process may be suspended "
		"(safe-rebuild status)");
}

static int cancel_command(const struct context *context)
{
	const char *word = context->words->len ? context->words->words[0] : NULL;
	_cleanup_caller_ struct caller caller = {0};
	_cleanup_build_ struct build found = BUILD_INIT;
	struct wanted wanted;
	int status;

	if (command_enter(&caller, context) < 0 ||
		parse_wanted(&wanted, word, &caller) < 0)
		return EXIT_USAGE;
	if (find(&found, context->settings, &wanted) < 0)
		return errno == EACCES ? EXIT_NO_PERMISSION : EXIT_OWN_FAILURE;
	if (!found.ticket && tell_killed(context->settings, &wanted))
		return EXIT_REFUSED;
	if (!found.ticket) {
		if (word)
			error("'%s' neither runs nor waits (what became of it: "
			      "safe-rebuild log)",
				word);
		else
			error("you (%s) have no build that runs or waits", caller.agent);
		return EXIT_OWN_FAILURE;
	}
	status = check_permission(&found, &caller, context->own->message);
	return status ? status : cancel(context, &caller, &found);
}

const struct command command_cancel = {
	.name = "cancel",
	.arguments = "[BUILD] [--message WHY]",
	.help = "end what waits or builds, before it is activated",
	.operands_max = 1,
	.run = cancel_command,
};
