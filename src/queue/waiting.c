#include "queue/waiting.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "queue/lock.h"
#include "queue/ticket.h"

#define HEARTBEAT_MS 30000
#define SLOW_HEARTBEAT_MS 60000
#define SLOW_AFTER_MS 300000
#define IN_PLACE_MS 1000
/* The shortest time limit among the agents that we know. */
#define AGENTS_PATIENCE_SECONDS 120

/* The queue as one reading of it shows it. */
struct view {
	struct record *tickets;
	size_t len;
	const struct record *holder; /* NULL: none of ours */
	size_t place;                /* of the ticket that looks: 1 is next */
	int64_t seconds;             /* until its turn; -1: not known */
};

static int64_t elapsed(const struct record *ticket)
{
	const time_t started = record_get_time(ticket, "Started");

	return started ? time(NULL) - started : 0;
}

/* How the queue looks to the ticket own; NULL: to one who is not in it. */
static void view_from(struct view *view, const char *own)
{
	view->place = 1;
	for (size_t i = 0; i < view->len; i++) {
		const struct record *ticket = &view->tickets[i];
		const char *name = record_get(ticket, "Ticket");
		int64_t expected = (int64_t)record_get_number(ticket, "Expected");
		const bool waits = ticket_is_waiting(ticket);

		if (!ticket_name_queues(name) || (own && streq(name, own)))
			continue;
		if (!waits && !view->holder)
			view->holder = ticket;
		if (waits && (!own || strcmp(name, own) > 0))
			continue;
		view->place += waits;
		if (!expected)
			view->seconds = -1;
		else if (view->seconds >= 0)
			view->seconds += expected > elapsed(ticket)
						 ? expected - elapsed(ticket)
						 : 0;
	}
	if (!view->holder)
		view->seconds = -1;
}

static void look(struct view *ret, const char *queue, const char *own)
{
	*ret = (struct view){0};
	(void)!tickets_read(&ret->tickets, &ret->len, queue);
	view_from(ret, own);
}

char *waiting_describe_place(struct record *tickets, size_t len, const char *own)
{
	struct view view = {.tickets = tickets, .len = len};
	_cleanup_free_ char *duration = NULL;

	view_from(&view, own);
	if (view.seconds <= 0)
		return xasprintf("place %zu", view.place);
	duration = clock_duration(view.seconds);
	return xasprintf("place %zu, its turn in about %s", view.place, duration);
}

static void describe(FILE *out, const struct record *holder)
{
	const char *agent = record_get(holder, "Agent"),
		   *build = record_get(holder, "Build");
	const char *command = record_get(holder, "Command");
	const char *message = record_get(holder, "Message"),
		   *phase = record_get(holder, "Phase");
	const time_t asked = record_get_time(holder, "Requested");
	const time_t started = record_get_time(holder, "Started");
	const time_t since = started ? started : asked;
	_cleanup_free_ char *duration = clock_duration(time(NULL) - since);

	if (build)
		fprintf(out, "build %s by ", build);
	fprintf(out, "%s (%s", agent ? agent : "?", command ? command : "?");
	if (message) {
		_cleanup_free_ char *quoted = text_quote(message, 80);

		fprintf(out, ", %s", quoted);
	}
	fprintf(out, "), %s", phase ? phase : "building");
	if (since)
		fprintf(out, " for %s", duration);
}

char *waiting_describe(const struct record *ticket)
{
	char *text = NULL;
	size_t len;
	FILE *out = text_stream(&text, &len);

	describe(out, ticket);
	fclose(out);
	set_string(&text, text_clean(text, len));
	return text;
}

static void describe_stranger(FILE *out, const char *directory)
{
	_cleanup_free_ char *holder = lock_describe_holder(directory);

	fprintf(out, "%s, who holds the lock directly", holder ? holder : "somebody");
}

char *waiting_describe_holder(const char *directory, const char *queue)
{
	char *text = NULL;
	size_t len;
	FILE *out = text_stream(&text, &len);
	struct view view;

	look(&view, queue, NULL);
	if (view.holder)
		describe(out, view.holder);
	else
		describe_stranger(out, directory);
	fclose(out);
	tickets_free(view.tickets, view.len);
	return text;
}

static char *describe_wait(const struct waiting *waiting, const struct view *view)
{
	char *text = NULL;
	size_t len;
	FILE *out = text_stream(&text, &len);

	fprintf(out, "waiting for ");
	if (view->holder)
		describe(out, view->holder);
	else
		describe_stranger(out, waiting->directory);
	if (view->place > 1)
		fprintf(out, "; place %zu in the queue", view->place);
	if (view->seconds > 0) {
		_cleanup_free_ char *duration = clock_duration(view->seconds);

		fprintf(out, "; about %s", duration);
		if (waiting->is_agent && !waiting->said_ms &&
			view->seconds > AGENTS_PATIENCE_SECONDS)
			fprintf(out, ": use your longest time limit or run this in the "
				     "background");
	}
	fclose(out);
	return text;
}

/* What a change is: another holder, another phase, another place. */
static char *state_of(const struct view *view)
{
	const char *build = view->holder ? record_get(view->holder, "Ticket") : NULL;
	const char *phase = view->holder ? record_get(view->holder, "Phase") : NULL;

	return xasprintf(
		"%s %s %zu", build ? build : "", phase ? phase : "", view->place);
}

void waiting_start(struct waiting *ret, const char *directory, const char *queue,
	const char *ticket, bool is_agent)
{
	*ret = (struct waiting){
		.directory = directory,
		.queue = queue,
		.ticket = ticket,
		.is_agent = is_agent,
		.in_place = !is_agent && isatty(STDERR_FILENO),
		.since_ms = clock_boot_ms(),
	};
}

void waiting_end(struct waiting *waiting)
{
	free(waiting->said_state);
}

static int64_t heartbeat(const struct waiting *waiting)
{
	if (waiting->in_place)
		return IN_PLACE_MS;
	return clock_boot_ms() - waiting->since_ms < SLOW_AFTER_MS ? HEARTBEAT_MS
								   : SLOW_HEARTBEAT_MS;
}

int64_t waiting_tell(void *data)
{
	struct waiting *waiting = data;
	const int64_t now = clock_boot_ms(), beat = heartbeat(waiting);
	_cleanup_free_ char *text = NULL, *state = NULL;
	struct view view;

	look(&view, waiting->queue, waiting->ticket);
	state = state_of(&view);
	if (waiting->said_ms && waiting->said_state &&
		streq(state, waiting->said_state) && now - waiting->said_ms < beat) {
		tickets_free(view.tickets, view.len);
		return beat - (now - waiting->said_ms);
	}
	text = describe_wait(waiting, &view);
	if (waiting->in_place)
		say_in_place("%s", text);
	else
		say("%s", text);
	waiting->said_ms = now;
	set_string(&waiting->said_state, TAKE_PTR(state));
	tickets_free(view.tickets, view.len);
	return beat;
}
