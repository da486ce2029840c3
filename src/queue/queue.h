#pragma once
/*
 * Whose turn it is. A run owns a ticket (see ticket.h) and, if its action needs it,
 * the target's lock (see lock.h). A waiter sleeps on its nearest living predecessor
 * alone: strict order of arrival, nobody polls, and one death wakes one waiter. The first
 * in the queue takes the lock too, for the sake of those who take it directly.
 */
#include "queue/ticket.h"
#include "rebuild/target.h"

struct turn {
	struct ticket ticket;
	int lock_fd;  /* -1: the run has no need of the lock, or an ancestor holds it */
	int requests; /* see cancellation_watch(); -1: not watched for yet */
};

#define TURN_NONE                                                    \
	{                                                            \
		.ticket = TICKET_NONE, .lock_fd = -1, .requests = -1 \
	}

struct queue_call {
	const struct settings *settings;
	const struct target *target;
	struct build *build; /* becomes the ticket; its phase is kept up to date */
	bool is_agent;
	bool first;      /* before all who wait */
	int64_t wait_ms; /* FOREVER_MS: as long as it takes */
	/* Called once, when waiting begins: may set what is expected. */
	void (*begins)(void *data);
	void *data;
};

/*
 * Takes a ticket, waits for its turn and takes the lock. Returns 0, or an exit status
 * (printed): no permission, not free in time, a signal. A run that leaves the queue keeps
 * its place for TICKET_KEPT_SECONDS.
 */
int queue_enter(struct turn *ret, const struct queue_call *call) _must_check_;

/* Only a ticket, for runs that do not queue; if that fails, *ret has none. */
void queue_enter_beside(struct turn *ret, const struct queue_call *call);

/* Closes this process' descriptors; the turn lasts in those that inherited them. */
void queue_close(struct turn *turn);
/* Ends the turn. */
void queue_leave(struct turn *turn);

/* Whether a run that arrived now would have to wait, as far as tickets tell. */
bool queue_is_busy(const struct target *target);
