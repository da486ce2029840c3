#pragma once
/*
 * Asking a run to end. The request is a record (By, Message, Ticket) in a file beside the
 * run's ticket; it is written before it is linked, and inotify(7) wakes the run. The run
 * decides: it answers in its ticket (Cancel: accepted, or why not; Cancel-Request: which
 * one) and, if it accepts, ends. Whoever asked removes the request. Without inotify (each
 * user has a limited number) a waiting run notices it when its turn comes.
 */
#include "queue/ticket.h"

#define CANCEL_ACCEPTED "accepted"

/* A descriptor that is readable when somebody may have asked; -1: inotify has failed. */
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
 * `bob: "stop it"`, for "cancelled by ...". Anybody can claim a name: if the request is
 * not root's or ours, its user is named too. The caller frees.
 */
char *cancellation_describe(const struct cancellation *request) _must_check_;
/* Sets the answer for the run's ticket. */
void cancellation_answer(
	struct build *run, const struct cancellation *request, const char *answer);

/* Asks the owner of the ticket NAME; *ret_id (where it is not NULL) is the request's. -1
 * with errno set. */
int cancellation_request(uint64_t *ret_id, const char *queue, const char *name,
	struct record *request) _must_check_;
/* Removes the caller's own request. */
void cancellation_withdraw(const char *queue, const char *name);
