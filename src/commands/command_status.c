#include <inttypes.h>
#include <limits.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "changes/describe.h"
#include "commands/command.h"
#include "commands/state.h"
#include "commands/state_json.h"
#include "queue/waiting.h"

/* An agent calls this before it edits: all of it in under 2,000 bytes. */
#define WAITING_SHOWN 2
#define LINE_MAX_BYTES 100
#define LONG_MAX_BYTES 320
#define PATHS_SHOWN 3

/* label and line, cut where they are too long; what is in tail never is. */
static void print_line(const char *label, const char *line, const char *tail)
{
	const size_t ending = strlen(tail);
	const size_t room = LINE_MAX_BYTES -
			    (ending < LINE_MAX_BYTES / 2 ? ending : LINE_MAX_BYTES / 2);
	const size_t len = text_cut(line, room);

	answer("%s%.*s%s%s", label, (int)len, line, line[len] ? "..." : "", tail);
}

/* A line whose end matters: it may be longer. */
static void print_long(const char *label, const char *line)
{
	const size_t len = text_cut(line, LONG_MAX_BYTES);

	answer("%s%.*s%s", label, (int)len, line, line[len] ? "..." : "");
}

/* The label, with the target's name if it is not the system. The caller frees. */
static char *label_of(const struct queue_state *queue, const char *label)
{
	if (target_is_system(queue->target.name))
		return xasprintf("%-9s ", label);
	return xasprintf(
		"%.*s on %s: ", (int)strlen(label) - 1, label, queue->target.name);
}

/* Whether it is the caller's build that is at work. */
static bool is_own_work(const struct build *ticket, const struct caller *caller)
{
	return ticket->number && !build_is_waiting(ticket) &&
	       build_is_of_agent(ticket, caller->agent);
}

static void print_ticket(const struct queue_state *queue, const struct build *ticket,
	const struct caller *caller)
{
	const bool waits = build_is_waiting(ticket);
	_cleanup_free_ char *label = label_of(queue, waits ? "waiting:" : "building:");
	_cleanup_free_ char *line = waiting_describe(ticket);
	_cleanup_free_ char *place =
		waiting_describe_place(&queue->tickets, ticket->ticket);
	_cleanup_free_ char *tail = NULL;

	if (waits) {
		tail = xasprintf("; %s", place);
	} else if (is_own_work(ticket, caller)) {
		set_string(&line, xasprintf("yours, %s", line));
		tail = xasprintf(": safe-rebuild attach %" PRIu64
				 ", safe-rebuild cancel %" PRIu64,
			ticket->number, ticket->number);
	}
	print_line(label, line, tail ? tail : "");
}

static void print_queue(const struct queue_state *queue, const struct caller *caller)
{
	_cleanup_free_ char *waiting_label = label_of(queue, "waiting:");
	_cleanup_free_ char *building_label = label_of(queue, "building:");
	size_t waiting = 0;

	/* A run that came back to its kept place stands before the running build. */
	for (size_t i = 0; i < queue->tickets.len; i++)
		if (!build_is_waiting(&queue->tickets.list[i]))
			print_ticket(queue, &queue->tickets.list[i], caller);
	for (size_t i = 0; i < queue->tickets.len; i++)
		if (build_is_waiting(&queue->tickets.list[i]) &&
			waiting++ < WAITING_SHOWN)
			print_ticket(queue, &queue->tickets.list[i], caller);
	if (waiting > WAITING_SHOWN)
		answer("%sand %zu more", waiting_label, waiting - WAITING_SHOWN);
	for (size_t i = 0; i < queue->killed.len; i++)
		answer("%sbuild %" PRIu64
		       " by %s: its runner was killed, nixos-rebuild goes on (pid %d)",
			building_label, queue->killed.list[i].number,
			queue->killed.list[i].agent,
			(int)queue->killed.list[i].child.pid);
	if (queue->tickets.len || queue->killed.len ||
		(!queue->stranger && !target_is_system(queue->target.name)))
		return;
	if (queue->unknown)
		answer("%sunknown, the queue cannot be read", building_label);
	else if (queue->stranger)
		answer("%s%s, who holds the lock directly", building_label,
			queue->stranger);
	else
		answer("%snobody", building_label);
}

static void print_build(const char *label, const struct build *build)
{
	_cleanup_free_ char *line = describe_build(build);

	print_line(label, line, "");
}

static const char *whose_unrecorded(const struct state *state)
{
	return state->is_unreadable ? "not known whose, the ledger cannot be read"
				    : "a system made outside safe-rebuild";
}

static void print_live(const struct state *state)
{
	const struct system_state *system = &state->system;

	if (state->live.number)
		print_build("live:     ", &state->live);
	else if (system->running)
		answer("live:     %s: %s", whose_unrecorded(state), system->running);
	else
		answer("live:     unknown, there is no link to the running system");
	if (state->went_back && system_is_same(system->profile, system->running))
		answer("          somebody went back to it outside safe-rebuild: later "
		       "builds "
		       "do not run any more (safe-rebuild log)");
	if (!system->profile || !system->running ||
		streq(system->profile, system->running))
		return;
	if (state->boot.number)
		print_build("boots:    ", &state->boot);
	else
		answer("boots:    %s: %s", whose_unrecorded(state), system->profile);
	if (state->went_back)
		answer("          somebody went back to it outside safe-rebuild");
}

static void print_last(const struct state *state)
{
	_cleanup_free_ char *count = text_count(state->since_own, "build");

	if (state->own.number && !state->since_own)
		answer("since:    nobody has built since your build");
	else if (state->own.number)
		answer("since:    %s since yours (what changed: safe-rebuild diff)",
			count);
	else if (state->last.len)
		answer("last:");
	for (size_t i = 0; i < state->last.len; i++)
		print_build("  ", &state->last.list[i]);
}

static void print_refused(const struct state *state)
{
	for (size_t i = 0; i < state->refused.len; i++) {
		_cleanup_free_ char *line = describe_refusal(&state->refused.list[i]);

		print_line("refused:  ", line, "");
	}
}

static void print_uncommitted(const struct state *state)
{
	const struct strv *paths = &state->uncommitted;
	_cleanup_strbuf_ struct strbuf line = STRBUF_INIT;
	_cleanup_free_ char *name = state->root ? text_name(state->root, PATH_MAX) : NULL;
	_cleanup_free_ char *root = name ? xasprintf(" (%s)", name) : NULL;

	if (!root)
		return;
	for (size_t i = 0; i < paths->len && i < PATHS_SHOWN; i++)
		strbuf_printf(&line, "%s%s", i ? ", " : "", paths->words[i]);
	if (!paths->len) {
		print_line("edited:   ",
			state->untracked ? "no file that git tracks"
					 : "nothing, all is committed",
			root);
	} else if (paths->len > PATHS_SHOWN) {
		answer("edited:   %zu files, not committed (safe-rebuild diff):",
			paths->len);
		print_line("  ", line.text, root);
	} else {
		print_line("edited:   not committed: ", line.text, root);
	}
	if (state->unfinished)
		answer("          an unfinished %s: see git status", state->unfinished);
	if (state->untracked)
		print_line("          not tracked by git, so not seen by Nix: ",
			state->untracked, "");
}

/* Whether the caller may start a switch while a trial waits for its word: its own ends
 * at once. */
static bool is_own_trial(const struct state *state)
{
	return build_is_of_agent(&state->live, state->caller.agent) &&
	       state->live.number == state->trial.build;
}

static void print_pass(const struct state *state)
{
	if (state->trial.build && state->trial.until && is_own_trial(state))
		answer("verdict:  a switch now ends at once, because your build %" PRIu64
		       " is not confirmed: see trial",
			state->trial.build);
	else if (state->trial.build && state->trial.until)
		answer("verdict:  a switch now waits until build %" PRIu64
		       " is confirmed or has gone back; then it passes",
			state->trial.build);
	else if (state->paused)
		return;
	else if (state->lacks_own)
		answer("verdict:  a switch now passes, and takes back a part of what "
		       "your own build did: see safe-rebuild diff");
	else if (state->warns)
		answer("verdict:  a switch now passes, with a warning: see safe-rebuild "
		       "diff");
	else if (state->machine)
		answer("verdict:  a switch of '#%s', which is live, now passes",
			state->machine);
	else
		answer("verdict:  a switch now passes");
}

static void print_verdict(const struct state *state)
{
	if (state->why && streq(state->verdict, "refused"))
		print_long("verdict:  a switch now would be refused: ", state->why);
	else if (state->why)
		print_long("verdict:  a switch now would only warn ([guard] undo = "
			   "warn): ",
			state->why);
	else if (!state->verdict && state->ledger)
		answer("verdict:  none: there is no configuration here (cd to it)");
	else if (state->verdict && !streq(state->verdict, "passes"))
		answer("verdict:  it is not known whether a switch now would take away "
		       "what is live");
	else if (state->failed)
		print_long("verdict:  a switch now would not be refused, but ",
			state->failed);
	else if (state->verdict)
		print_pass(state);
}

static bool is_at_work(const struct state *state)
{
	for (size_t i = 0; i < state->queues_len; i++)
		for (size_t j = 0; j < state->queues[i].tickets.len; j++)
			if (is_own_work(
				    &state->queues[i].tickets.list[j], &state->caller))
				return true;
	return false;
}

static void print_trial(const struct state *state)
{
	const struct trial_record *trial = &state->trial;
	_cleanup_free_ char *left = NULL;

	if (!trial->build)
		return;
	left = clock_duration(trial->until - time(NULL));
	if (state->trial_is_orphaned && !trial->until)
		answer("trial:    build %" PRIu64 " goes back when the next call begins: "
		       "its runner was killed",
			trial->build);
	else if (state->trial_is_orphaned)
		answer("trial:    build %" PRIu64 " goes back in %s, and cannot be kept: "
		       "its runner was killed",
			trial->build, left);
	else if (*trial->new_system == '/')
		answer("trial:    build %" PRIu64
		       " goes back in %s unless confirmed: safe-rebuild confirm %" PRIu64,
			trial->build, left, trial->build);
}

static int print_text(const struct state *state)
{
	const bool own = is_at_work(state);

	if (state->paused)
		answer("paused:   rebuilds are %s", state->paused);
	print_trial(state);
	for (size_t i = 0; i < state->queues_len; i++)
		print_queue(&state->queues[i], &state->caller);
	print_live(state);
	if (state->own.number)
		print_build("yours:    ", &state->own);
	else if (state->is_unreadable)
		answer("yours:    not known, the ledger cannot be read");
	else if (!own && build_is_of_agent(&state->live, state->caller.agent))
		print_build("yours:    ", &state->live); /* its runner was killed */
	else if (!own)
		answer("yours:    no build by %s yet", state->caller.agent);
	print_last(state);
	print_refused(state);
	print_uncommitted(state);
	print_verdict(state);
	return 0;
}

static int status(const struct context *context)
{
	_cleanup_(state_free) struct state state = {
		.live = BUILD_INIT, .boot = BUILD_INIT, .own = BUILD_INIT};

	if (state_gather(&state, context) < 0)
		return EXIT_USAGE;
	return context->options->json ? state_print_json(&state) : print_text(&state);
}

const struct command command_status = {
	.name = "status",
	.arguments = "[--json]",
	.help = "who builds, who waits, what is live",
	.options = "--json",
	.run = status,
};
