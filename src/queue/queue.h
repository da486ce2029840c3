#pragma once
/*
 * Whose turn it is. A run owns a ticket (see ticket.h) and, where its action needs it,
 * the target's lock: a plain flock(2) on RUN/lock, so that "flock RUN/lock COMMAND" takes
 * part. The lock file is never unlinked; after locking, path and descriptor are compared,
 * in case somebody did.
 */
#include "queue/ticket.h"
#include "settings/settings.h"

struct turn {
	struct ticket ticket;
	int lock_fd; /* -1: the run has no need of the lock */
};

#define TURN_NONE                                    \
	{                                            \
		.ticket = TICKET_NONE, .lock_fd = -1 \
	}

/*
 * Takes a ticket and waits for the lock. Returns 0, or an exit status (printed) where
 * there is no permission to queue or the lock cannot be had.
 */
int queue_enter(struct turn *ret, const struct settings *settings, const char *target,
	const struct record *record) _must_check_;

/* A ticket alone, for runs that do not queue; *ret is without one where that fails. */
void queue_enter_beside(struct turn *ret, const struct settings *settings,
	const char *target, const struct record *record);

/* Closes this process' descriptors; the turn lasts in those that inherited them. */
void queue_close(struct turn *turn);
/* Ends the turn. */
void queue_leave(struct turn *turn);

/* The queue directory of the target. The caller frees. */
char *queue_directory(const struct settings *settings, const char *target) _must_check_;
