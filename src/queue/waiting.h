#pragma once
/*
 * What a waiting caller is told: who holds the lock, since when, for what, in which
 * phase, the caller's place, and about how long it will take. At once, on changes, and
 * as a heartbeat; on a person's terminal the line is rewritten in place.
 */
#include <stdint.h>

#include "rebuild/target.h"
#include "record/build.h"

struct waiting {
	const struct target *target;
	const char *ticket; /* own ticket's name; NULL: none */
	bool is_agent;
	bool in_place;    /* a person's terminal */
	int64_t since_ms; /* clock_boot_ms() when the waiting began */
	int64_t said_ms;  /* when the last line was written; 0: none yet */
	char *said_state; /* what it was about, without the times */
};

/* Says what there is to say now; returns when to be called again, in milliseconds. */
int64_t waiting_tell(void *waiting);

/* A living ticket in words, in the same form. The caller frees. */
char *waiting_describe(const struct build *ticket) _must_check_;

/* "place 2, its turn in about 5 min": of the ticket own among the living ones. The caller
 * frees. */
char *waiting_describe_place(const struct builds *tickets, const char *own) _must_check_;

/* `build 43 by alpha (switch --flake .#box, "add nginx"), building for 2 min`, or who
 * else holds the lock. The caller frees. */
char *waiting_describe_holder(const struct target *target) _must_check_;
