#pragma once
/*
 * Asking a run to end. The request is a record (By, Message, Ticket) in a file beside the
 * run's ticket, linked whole, which wakes its owner out of inotify(7). The owner decides:
 * it answers in its ticket (Cancel: accepted, or why not; Cancel-Request: which one) and,
 * if it accepts, ends. Who asked takes the request away. Without inotify (its instances
 * are limited per user) a waiter notices when its turn comes.
 */
#include "queue/ticket.h"

#define CANCEL_ACCEPTED "accepted"

/* A descriptor that is readable when somebody may have asked; -1 where there can be none.
 */
int cancellation_watch(const struct ticket *ticket);

struct cancellation {
	struct record record;
	uid_t from;  /* who alone wrote it */
	uint64_t id; /* of its file */
	time_t made;
};

/* Empties the descriptor and reads the request, if there is one that was not answered
 * before. */
bool cancellation_receive(struct cancellation *ret, const struct build *run,
	const struct ticket *ticket, int watch);
void cancellation_free(struct cancellation *request);
#define _cleanup_cancellation_ _cleanup_(cancellation_free)
/*
 * `bob: "stop it"`, for "cancelled by ...". What the request says is a claim: where it is
 * another user's than root's or ours, that is named too. The caller frees.
 */
char *cancellation_describe(const struct cancellation *request) _must_check_;
/* What the run's ticket is to say. */
void cancellation_answer(
	struct build *run, const struct cancellation *request, const char *answer);

/* Asks the owner of the ticket NAME; *ret_id (where it is not NULL) is the request's. -1
 * with errno set. */
int cancellation_request(uint64_t *ret_id, const char *queue, const char *name,
	struct record *request) _must_check_;
/* Removes one's own request. */
void cancellation_withdraw(const char *queue, const char *name);
