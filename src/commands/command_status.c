#include <inttypes.h>

#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "caller/caller.h"
#include "changes/describe.h"
#include "commands/command.h"
#include "commands/json.h"
#include "commands/uncommitted.h"
#include "ledger/builds.h"
#include "queue/lock.h"
#include "queue/queue.h"
#include "queue/target.h"
#include "queue/waiting.h"
#include "rebuild/system.h"

#define TARGET "system"
#define LAST_BUILDS 4
/* An agent calls this before it edits: all of it in under 1,500 bytes. */
#define WAITING_SHOWN 2
#define LINE_MAX_BYTES 115
#define PATHS_SHOWN 3
/* More builds since the own one are counted as so many. */
#define SINCE_MAX 1000

/* One target's queue. */
struct queue_state {
	char *target;
	struct record *tickets;
	size_t len;
	bool unknown;
	char *stranger; /* who holds the lock by /proc/locks, or NULL */
};

/* Everything that status tells, gathered before any of it is printed. */
struct state {
	struct caller caller;
	struct queue_state *queues; /* the system's first */
	size_t queues_len;
	struct system_state system;
	struct ledger *ledger; /* NULL: nothing recorded, or not readable */
	bool has_live, has_boot, has_own;
	struct build live, boot, own;   /* boot: what the profile points at */
	struct build last[LAST_BUILDS]; /* since the caller's own, where he has one */
	size_t last_len;
	size_t since_own; /* how many builds there are since then */
	struct uncommitted uncommitted;
};

static void state_free(struct state *state)
{
	caller_free(&state->caller);
	for (size_t i = 0; i < state->queues_len; i++) {
		free(state->queues[i].target);
		tickets_free(state->queues[i].tickets, state->queues[i].len);
		free(state->queues[i].stranger);
	}
	free(state->queues);
	system_free(&state->system);
	build_free(&state->live);
	build_free(&state->boot);
	build_free(&state->own);
	for (size_t i = 0; i < state->last_len; i++)
		build_free(&state->last[i]);
	ledger_free(state->ledger);
	uncommitted_free(&state->uncommitted);
}

static int gather_last(struct state *state)
{
	struct build at = {0};
	int found = build_tip(&at, state->ledger);

	while (found > 0) {
		const git_oid parent = at.parent;
		const char *target = record_get(&at.record, "Target");

		if (state->has_own && git_oid_equal(&at.commit, &state->own.commit))
			break;
		if (!target || !streq(target, TARGET)) {
			found = build_step_back(&at, state->ledger);
			continue;
		}
		state->since_own++;
		if (state->last_len < LAST_BUILDS) {
			state->last[state->last_len++] = at;
			at = (struct build){.parent = parent};
		} else if (!state->has_own || state->since_own == SINCE_MAX) {
			break;
		}
		found = build_step_back(&at, state->ledger);
	}
	build_free(&at);
	return found < 0 ? -1 : 0;
}

static int gather_builds(struct state *state)
{
	const struct system_state *system = &state->system;
	int live = 0, boot = 0, own;

	if (system->running)
		live = build_by_system(
			&state->live, state->ledger, TARGET, system->running);
	if (system->profile && system->running &&
		!streq(system->profile, system->running))
		boot = build_by_system(
			&state->boot, state->ledger, TARGET, system->profile);
	own = build_by_agent(&state->own, state->ledger, TARGET, state->caller.agent);
	if (live < 0 || boot < 0 || own < 0)
		return -1;
	state->has_live = live;
	state->has_boot = boot;
	state->has_own = own;
	return gather_last(state);
}

static void gather_queue(
	struct queue_state *ret, const struct settings *settings, const char *target)
{
	_cleanup_free_ char *queue = queue_directory(settings, target);
	_cleanup_free_ char *directory = target_directory(settings, target);

	*ret = (struct queue_state){.target = xstrdup(target)};
	if (tickets_read(&ret->tickets, &ret->len, queue) < 0) {
		warn_errno("cannot see who builds or waits ('%s')", queue);
		ret->unknown = true;
	}
	ret->stranger = lock_describe_holder(directory);
}

static void gather_queues(struct state *state, const struct settings *settings)
{
	_cleanup_strv_ struct strv targets = {0};

	target_list(&targets, settings);
	state->queues = xcalloc(targets.len, sizeof(*state->queues));
	for (size_t i = 0; i < targets.len; i++)
		gather_queue(
			&state->queues[state->queues_len++], settings, targets.words[i]);
}

static int gather(struct state *ret, const struct context *context)
{
	if (caller_identify(&ret->caller, context->options->agent) < 0)
		return -1;
	gather_queues(ret, context->settings);
	system_read(&ret->system, context->settings, NULL);
	/* A ledger that cannot be read still leaves the queue and the links to tell. */
	if (ledger_open(&ret->ledger, context->settings) == 0 && ret->ledger &&
		gather_builds(ret) < 0)
		warn("the rest of the ledger is not shown");
	if (ret->ledger)
		uncommitted_find(&ret->uncommitted, ret->ledger, context->settings);
	return 0;
}

/* Cut where it is too long, between two characters; what is in tail never is. */
static void print_cut(const char *line, const char *tail)
{
	const size_t room = LINE_MAX_BYTES - strlen(tail);
	size_t len = strlen(line);

	if (len <= room) {
		printf("%s%s\n", line, tail);
		return;
	}
	for (len = room; len && ((unsigned char)line[len] & 0xc0) == 0x80;)
		len--;
	printf("%.*s...%s\n", (int)len, line, tail);
}

/* Of other targets their name is told, and only what there is. */
static void print_label(const struct queue_state *queue, const char *label)
{
	if (streq(queue->target, TARGET))
		printf("%-9s ", label);
	else
		printf("%.*s on %s: ", (int)strlen(label) - 1, label, queue->target);
}

static void print_ticket(const struct queue_state *queue, const struct record *ticket)
{
	const char *name = record_get(ticket, "Ticket");
	_cleanup_free_ char *line = waiting_describe(ticket);
	_cleanup_free_ char *place =
		waiting_describe_place(queue->tickets, queue->len, name);
	_cleanup_free_ char *tail = xasprintf("; %s", place);

	print_label(queue, ticket_is_waiting(ticket) ? "waiting:" : "building:");
	print_cut(line, ticket_is_waiting(ticket) ? tail : "");
}

static void print_queue(const struct queue_state *queue)
{
	size_t waiting = 0;

	for (size_t i = 0; i < queue->len; i++)
		if (!ticket_is_waiting(&queue->tickets[i]) || waiting++ < WAITING_SHOWN)
			print_ticket(queue, &queue->tickets[i]);
	if (waiting > WAITING_SHOWN) {
		print_label(queue, "waiting:");
		printf("and %zu more\n", waiting - WAITING_SHOWN);
	}
	if (queue->len || (!queue->stranger && !streq(queue->target, TARGET)))
		return;
	print_label(queue, "building:");
	if (queue->unknown)
		printf("unknown, the queue cannot be read\n");
	else if (queue->stranger)
		printf("%s, who holds the lock directly\n", queue->stranger);
	else
		printf("nobody\n");
}

static void print_build(const char *label, const struct build *build)
{
	_cleanup_free_ char *line = describe_build(&build->record);

	printf("%s", label);
	print_cut(line, "");
}

static void say_path(const char *label, const char *path)
{
	_cleanup_free_ char *clean = text_clean(path, strlen(path));

	printf("%s %s\n", label, clean);
}

static void print_live(const struct state *state)
{
	const struct system_state *system = &state->system;

	if (state->has_live)
		print_build("live:     ", &state->live);
	else if (system->running)
		say_path(
			"live:     a system made outside safe-rebuild:", system->running);
	else
		printf("live:     unknown, there is no link to the running system\n");
	if (!system->profile || !system->running ||
		streq(system->profile, system->running))
		return;
	if (state->has_boot)
		print_build("boots:    ", &state->boot);
	else
		say_path(
			"boots:    a system made outside safe-rebuild:", system->profile);
}

static void print_last(const struct state *state)
{
	_cleanup_free_ char *count = text_count(state->since_own, "build");

	if (state->has_own && !state->since_own)
		printf("since:    nobody has built since your build\n");
	else if (state->has_own)
		printf("since:    %s since yours (what changed: safe-rebuild diff)\n",
			count);
	else if (state->last_len)
		printf("last:\n");
	for (size_t i = 0; i < state->last_len; i++)
		print_build("  ", &state->last[i]);
}

static void print_uncommitted(const struct uncommitted *uncommitted)
{
	char *line = NULL;
	size_t len;
	FILE *out;

	if (uncommitted->state == UNCOMMITTED_UNKNOWN)
		return;
	out = text_stream(&line, &len);
	for (size_t i = 0; i < uncommitted->paths.len && i < PATHS_SHOWN; i++)
		fprintf(out, "%s%s", i ? ", " : "", uncommitted->paths.words[i]);
	fclose(out);
	printf("edited:   ");
	if (!uncommitted->paths.len)
		printf("nothing, all is committed (%s)\n", uncommitted->root);
	else if (uncommitted->paths.len > PATHS_SHOWN)
		printf("%zu files, not committed (safe-rebuild diff):\n  ",
			uncommitted->paths.len);
	else
		printf("not committed: ");
	if (uncommitted->paths.len)
		print_cut(line, "");
	free(line);
	if (uncommitted->untracked) {
		printf("          not tracked by git, so not seen by Nix: ");
		print_cut(uncommitted->untracked, "");
	}
}

static int print_text(const struct state *state)
{
	for (size_t i = 0; i < state->queues_len; i++)
		print_queue(&state->queues[i]);
	print_live(state);
	if (state->has_own)
		print_build("yours:    ", &state->own);
	else
		printf("yours:    no build by %s yet\n", state->caller.agent);
	print_last(state);
	print_uncommitted(&state->uncommitted);
	return 0;
}

static json_t *optional_build(bool there, const struct build *build)
{
	return there ? json_record(&build->record) : json_null();
}

static void add_tickets(json_t *running, json_t *waiting, const struct queue_state *queue)
{
	for (size_t i = 0; i < queue->len; i++)
		json_array_append_new(
			ticket_is_waiting(&queue->tickets[i]) ? waiting : running,
			json_record(&queue->tickets[i]));
}

static json_t *list_of(const struct uncommitted *uncommitted)
{
	json_t *list = json_array();

	for (size_t i = 0; i < uncommitted->paths.len; i++)
		json_array_append_new(list, json_text(uncommitted->paths.words[i]));
	if (uncommitted->state == UNCOMMITTED_KNOWN)
		return list;
	json_decref(list);
	return json_null();
}

static int print_json(const struct state *state)
{
	json_t *answer = json_answer(), *running = json_array(), *waiting = json_array();
	json_t *last = json_array(), *system = json_object();

	for (size_t i = 0; i < state->queues_len; i++)
		add_tickets(running, waiting, &state->queues[i]);
	for (size_t i = 0; i < state->last_len; i++)
		json_array_append_new(last, json_record(&state->last[i].record));
	json_object_set_new(system, "running", json_text(state->system.running));
	json_object_set_new(system, "profile", json_text(state->system.profile));
	json_object_set_new(
		system, "generation", json_integer((json_int_t)state->system.generation));
	json_object_set_new(answer, "agent", json_text(state->caller.agent));
	json_object_set_new(answer, "building", running);
	json_object_set_new(answer, "waiting", waiting);
	json_object_set_new(answer, "system", system);
	json_object_set_new(
		answer, "live", optional_build(state->has_live, &state->live));
	json_object_set_new(answer, "boots",
		state->has_boot
			? json_record(&state->boot.record)
			: optional_build(state->has_live &&
						 streq(state->system.running,
							 state->system.profile
								 ? state->system.profile
								 : ""),
				  &state->live));
	json_object_set_new(answer, "yours", optional_build(state->has_own, &state->own));
	json_object_set_new(answer, "last", last);
	json_object_set_new(answer, "builds_since_yours",
		state->has_own ? json_integer((json_int_t)state->since_own)
			       : json_null());
	json_object_set_new(answer, "uncommitted", list_of(&state->uncommitted));
	return json_print(answer);
}

static int run(const struct context *context, int argc, char **argv)
{
	struct command_options options = {0};
	_cleanup_(state_free) struct state state = {0};
	int operand = command_parse_options(&options, &command_status, "j", argc, argv);

	if (operand < 0)
		return EXIT_USAGE;
	if (operand < argc)
		return command_usage(&command_status);
	if (gather(&state, context) < 0)
		return EXIT_OWN_FAILURE;
	return options.json ? print_json(&state) : print_text(&state);
}

const struct command command_status = {
	"status", "[--json]", "who builds, who waits, what is live", run};
