#pragma once
/*
 * Everything that status tells, gathered before any of it is printed. What cannot be read
 * is missing in it, and said.
 */
#include "commands/command.h"
#include "rebuild/system.h"
#include "rebuild/target.h"
#include "run/confirmation.h"

/* One target's queue. */
struct queue_state {
	struct target target;
	struct builds tickets;
	struct builds killed; /* whose runners were killed, and nixos-rebuild goes on */
	bool unknown;
	char *stranger; /* who holds the lock by /proc/locks, or NULL */
};

struct state {
	struct caller caller;
	struct queue_state *queues; /* the system's first */
	size_t queues_len;
	struct system_state system;
	struct ledger *ledger; /* NULL: nothing recorded, or not readable */
	bool is_unreadable;    /* the ledger, in whole or in part */
	struct build live, boot,
		own;             /* number 0: none; boot: what the profile points at */
	struct builds last;      /* since the caller's own, if there is one */
	struct builds refused;   /* whose callers have not built since */
	size_t since_own;        /* how many builds there are since then */
	char *root;              /* of the checkout; NULL: none is known */
	struct strv uncommitted; /* in it */
	char *untracked;         /* files that git does not track, in words */
	char *unfinished;        /* "merge", "rebase" ... that git is in; NULL: nothing */
	const char *verdict;     /* on a switch now, in a word; NULL: nothing to judge */
	char *machine;  /* which is live, where it is not the default; NULL: it is */
	char *why;      /* what would be refused or, with undo = warn, only told */
	bool lacks_own; /* a part of what the caller himself made live */
	bool warns;     /* a switch now would name a loss, and go on */
	char *failed;   /* this same configuration has, in words; NULL: not */
	bool went_back; /* to what boots next, outside safe-rebuild */
	struct trial_record trial;
	bool trial_is_orphaned;
	char *paused; /* by whom and why, in words; NULL: not */
};

void state_free(struct state *state);
/* -1 (printed) only where the caller cannot be named. */
int state_gather(struct state *ret, const struct context *context) _must_check_;
