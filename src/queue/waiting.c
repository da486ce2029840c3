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

/* The queue at one moment. */
struct view {
	struct builds tickets;
	const struct build *holder; /* NULL: none of ours */
	size_t place;               /* of the ticket that looks: 1 is next */
	int64_t seconds;            /* until its turn; -1: not known */
};

/* How long the ticket's turn will still take; -1: not known. */
static int64_t time_left(const struct build *ticket)
{
	const int64_t elapsed = ticket->started ? time(NULL) - ticket->started : 0;
	const int64_t expected = (int64_t)ticket->expected;

	if (!expected)
		return -1;
	return expected > elapsed ? expected - elapsed : 0;
}

/* How the queue looks to the ticket own; NULL: to somebody who is not in it. */
static void view_from(struct view *view, const struct builds *tickets, const char *own)
{
	view->place = 1;
	for (size_t i = 0; i < tickets->len; i++) {
		const struct build *ticket = &tickets->list[i];
		const bool waits = build_is_waiting(ticket);
		const int64_t left = time_left(ticket);

		if (!ticket_name_queues(ticket->ticket) ||
			(own && streq(ticket->ticket, own)))
			continue;
		if (!waits && !view->holder)
			view->holder = ticket;
		if (waits && (!own || strcmp(ticket->ticket, own) > 0))
			continue;
		view->place += waits;
		view->seconds = left < 0 || view->seconds < 0 ? -1 : view->seconds + left;
	}
	if (!view->holder)
		view->seconds = -1;
}

static void look(struct view *ret, const char *queue, const char *own)
{
	*ret = (struct view){0};
	(void)!tickets_read(&ret->tickets, queue);
	view_from(ret, &ret->tickets, own);
}

char *waiting_describe_place(const struct builds *tickets, const char *own)
{
	struct view view = {0};
	_cleanup_free_ char *duration = NULL;

	view_from(&view, tickets, own);
	if (view.seconds <= 0)
		return xasprintf("place %zu", view.place);
	duration = clock_duration(view.seconds);
	return xasprintf("place %zu, its turn in about %s", view.place, duration);
}

char *waiting_describe(const struct build *ticket)
{
	const time_t since = ticket->started ? ticket->started : ticket->requested;
	struct strbuf out = STRBUF_INIT;

	if (ticket->number)
		strbuf_printf(&out, "build %" PRIu64 " by ", ticket->number);
	strbuf_printf(
		&out, "%s (%s", ticket->agent, ticket->command ? ticket->command : "?");
	if (ticket->message)
		strbuf_put_owned(&out, ", ", text_quote(ticket->message, 80));
	strbuf_printf(&out, "), %s",
		ticket->phase ? phase_words[ticket->phase] : phase_words[PHASE_BUILDING]);
	if (since)
		strbuf_put_owned(&out, " for ", clock_duration(time(NULL) - since));
	return strbuf_take(&out);
}

static char *describe_stranger(const struct target *target)
{
	_cleanup_free_ char *holder = lock_describe_holder(target->directory);

	/* A safe-rebuild without a ticket has just ended its turn. */
	if (holder && starts_with(holder, "safe-rebuild "))
		return xasprintf("%s, whose turn is just ending", holder);
	return xasprintf("%s, who holds the lock directly", holder ? holder : "somebody");
}

char *waiting_describe_holder(const struct target *target)
{
	struct view view;
	char *text;

	look(&view, target->queue, NULL);
	text = view.holder ? waiting_describe(view.holder) : describe_stranger(target);
	builds_free(&view.tickets);
	return text;
}

static char *describe_wait(const struct waiting *waiting, const struct view *view)
{
	_cleanup_free_ char *holder = view->holder ? waiting_describe(view->holder)
						   : describe_stranger(waiting->target);
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;

	if (view->place > 1)
		strbuf_printf(&out, "; place %zu in the queue", view->place);
	if (view->seconds > 0) {
		_cleanup_free_ char *duration = clock_duration(view->seconds);

		strbuf_printf(&out, "; about %s", duration);
		if (waiting->is_agent && !waiting->said_ms &&
			view->seconds > AGENTS_PATIENCE_SECONDS)
			strbuf_puts(&out, ": use your longest time limit or run this in "
					  "the background");
	}
	/* A terminal cuts the end of a line that is replaced. */
	if (waiting->in_place && out.len)
		return xasprintf("waiting (%s) for %s", out.text + strlen("; "), holder);
	return xasprintf("waiting for %s%s", holder, out.text);
}

/* What counts as a change: another holder, phase or place. */
static char *state_of(const struct view *view)
{
	return xasprintf("%s %d %zu", view->holder ? view->holder->ticket : "",
		view->holder ? (int)view->holder->phase : 0, view->place);
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

	look(&view, waiting->target->queue, waiting->ticket);
	state = state_of(&view);
	if (waiting->said_ms && waiting->said_state &&
		streq(state, waiting->said_state) && now - waiting->said_ms < beat) {
		builds_free(&view.tickets);
		return beat - (now - waiting->said_ms);
	}
	text = describe_wait(waiting, &view);
	if (waiting->in_place)
		say_in_place("%s", text);
	else
		say("%s", text);
	waiting->said_ms = now;
	set_string(&waiting->said_state, TAKE_PTR(state));
	builds_free(&view.tickets);
	return beat;
}
