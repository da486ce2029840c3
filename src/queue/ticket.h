#pragma once
/*
 * A ticket is one run's file in the queue directory: its record in the making, locked
 * with flock(2) for as long as the run lives. It is born locked: written and locked
 * without a name (O_TMPFILE) and then linked, so nobody ever sees an unlocked ticket of a
 * living owner. Its name is the boot-time clock in nanoseconds, zero-padded, which is
 * never used twice: one who removes a dead ticket cannot hit a living one.
 *
 * Whether a ticket lives is asked of the kernel alone, by LOCK_SH|LOCK_NB. The lock
 * belongs to the open file description: it lasts until the last process that inherited
 * the descriptor has closed it or died.
 */
#include "record/record.h"

struct ticket {
	int fd;     /* -1: none */
	char *path; /* its name is what follows the last slash */
};

#define TICKET_NONE      \
	{                \
		.fd = -1 \
	}

/* -1 with errno set, silent: what it means depends on why a ticket is wanted. */
int ticket_new(struct ticket *ret, const char *directory,
	const struct record *record) _must_check_;
/* Rewrites it in place, best effort: readers only show what it says. */
void ticket_update(struct ticket *ticket, const struct record *record);
const char *ticket_name(const struct ticket *ticket);

/* Lets go of the descriptor; others that inherited it keep the ticket alive. */
void ticket_close(struct ticket *ticket);
/* Ends the run's place: removes the file and lets go. */
void ticket_remove(struct ticket *ticket);

bool ticket_is_alive(const char *directory, const char *name);

/* The living tickets' records, oldest first; each has its name under the key Ticket. */
int tickets_read(
	struct record **ret, size_t *ret_len, const char *directory) _must_check_;
void tickets_free(struct record *tickets, size_t len);
