#pragma once
/*
 * Asking a run to end. The request is a record (By, Message, Ticket) in a file beside the
 * run's
 * ticket, linked whole; then the ticket is touched, which wakes its owner out of
 * inotify(7). The owner decides: it answers in its ticket (key Cancel: accepted, or why
 * not), takes the request away and, if it accepts, ends. Without inotify (its instances
 * are limited per user) a waiter notices when its turn comes.
 */
#include "queue/ticket.h"

#define CANCEL_ACCEPTED "accepted"

/* A descriptor that is readable when somebody may have asked; -1 where there can be none.
 */
int cancellation_watch(const struct ticket *ticket);

/* Empties the descriptor and reads the request, if there is one. */
bool cancellation_receive(
	struct record *ret, uid_t *ret_from, const struct ticket *ticket, int watch);
/*
 * `bob: "stop it"`, for "cancelled by ...". What the request says is a claim: where it is
 * another user's than root's or ours, that is named too. The caller frees.
 */
char *cancellation_describe(const struct record *request, uid_t from) _must_check_;
/* Removes the request: who waits for the answer finds it in the ticket. */
void cancellation_answered(const struct ticket *ticket);

/* Asks the owner of the ticket NAME. -1 with errno set. */
int cancellation_request(
	const char *queue, const char *name, struct record *request) _must_check_;
bool cancellation_is_answered(const char *queue, const char *name);
/* Removes a request that nobody has answered. */
void cancellation_withdraw(const char *queue, const char *name);
