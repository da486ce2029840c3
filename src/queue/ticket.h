#pragma once
/*
 * A ticket is one run's file in the queue directory: its record in the making, locked
 * with flock(2) for as long as the run lives. It is born locked: written and locked
 * without a name (O_TMPFILE) and then linked, so nobody ever sees an unlocked ticket of a
 * living owner. Its name is the boot-time clock in nanoseconds, zero-padded: no
 * name is used twice, but that of a rollback, which goes right behind the first one. Runs
 * that do not queue have a "b" behind it (beside the queue).
 *
 * Only the kernel tells whether a ticket lives, by LOCK_SH|LOCK_NB. The lock
 * belongs to the open file description: it lasts until the last process that inherited
 * the descriptor has closed it or died.
 *
 * A dead ticket may still stand for something: a waiter that left (key Left) keeps its
 * place for TICKET_KEPT_SECONDS, a killed runner's nixos-rebuild (key Child) may live on,
 * and an outcome that could not be recorded waits for a run that can. Other dead tickets
 * are removed by any run that sees them.
 */
#include "base/strv.h"
#include "record/build.h"
#include "settings/sharing.h"

#define TICKET_KEPT_SECONDS 600
/* Behind a ticket's name: a request to end its run, see cancellation.h. */
#define TICKET_CANCEL ".cancel"

struct ticket {
	int fd;     /* -1: none */
	char *path; /* its name is what follows the last slash */
};

#define TICKET_NONE      \
	{                \
		.fd = -1 \
	}

/*
 * Joins the queue at its end, or at the place that the same agent left not long ago.
 * Silent, -1 with errno set: the caller knows what a failure means.
 */
int ticket_arrive(struct ticket *ret, const char *directory,
	const struct build *build) _must_check_;
/* Joins it right behind whoever has the turn. */
int ticket_arrive_first(struct ticket *ret, const char *directory,
	const struct build *build) _must_check_;
/* A ticket that nobody waits for. */
int ticket_arrive_beside(struct ticket *ret, const char *directory,
	const struct build *build) _must_check_;

/* Rewrites it in place, best effort: readers only show what it says. */
void ticket_update(struct ticket *ticket, const struct build *build);
/* NULL: there is no ticket. */
const char *ticket_name(const struct ticket *ticket);

/* Lets go of the descriptor; others that inherited it keep the ticket alive. */
void ticket_close(struct ticket *ticket);
/* Ends the run's place: removes the file and lets go. */
void ticket_remove(struct ticket *ticket);
/* Lets go but keeps the place for the same agent. */
void ticket_leave(struct ticket *ticket, struct build *build);

/*
 * Opens the nearest living ticket before this one: locking it LOCK_SH sleeps until its
 * run is over. -1 if there is none: it is this ticket's turn. Removes dead tickets.
 */
int ticket_open_predecessor(const struct ticket *ticket, const char *directory);

bool ticket_is_alive(const char *directory, const char *name);

/* For watching: a descriptor that still reads a ticket after it is removed. -1: there is
 * no such ticket. */
int ticket_open(const char *directory, const char *name, bool *ret_alive);
/* What the ticket says (nothing, if it is not a valid build); true if it is alive. */
bool ticket_read(struct build *ret, int fd);

/*
 * The living tickets, oldest first, each with its name as .ticket. One whose content is
 * not a valid build keeps its place in the queue but is left out here.
 */
int tickets_read(struct builds *ret, const char *directory) _must_check_;
/* The one that has the turn; NULL: none. */
const struct build *tickets_holder(const struct builds *tickets);
/* The dead tickets, which may still stand for something. */
int tickets_read_dead(struct builds *ret, const char *directory) _must_check_;

/*
 * Whether to believe what a ticket says about processes and outcomes: only root, the
 * shared system user, or the user it concerns can have written it.
 */
bool ticket_is_believed(
	const struct build *ticket, const struct settings *settings, uid_t user);

/* Removes a dead ticket that stands for nothing any more. */
void ticket_sweep(const char *directory, const char *name);

/* Removes requests to end runs that have ended. */
void tickets_sweep_requests(const char *directory);

/* Whether a ticket with this name is waited for by others. */
bool ticket_name_queues(const char *name);
