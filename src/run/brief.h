#pragma once
/*
 * What an agent is shown of nixos-rebuild's stderr. Agents' tools keep the head of a long
 * output or its ends, and some kill a command that is silent. So a call prints at most
 * BRIEF_MAX bytes, shows as it comes what says how far the run is (each line once, at
 * most 300 bytes of it), gives a sign of life every minute, and ends with what failed
 * and the outcome. All of it is in the log.
 *
 * The lines are those that Nix, nixos-rebuild-ng and switch-to-configuration-ng print
 * (nixpkgs); one that is not known is only left out.
 */
#include <stdint.h>

#include "base/strbuf.h"
#include "base/strv.h"

/* Of a whole call, with what it has said before nixos-rebuild started. */
#define BRIEF_MAX 10000
/* The report before the build gets at most this much of it. */
#define BRIEF_REPORT_MAX 4000

struct brief {
	/* The whole output, each line as it is seen in the end and cleaned: for a
	 * terminal. Set by who has started it. */
	bool whole;
	struct strbuf out;   /* to be written to the caller */
	struct strbuf line;  /* what there is of the current line, cut at a length */
	struct strbuf own;   /* our own last lines: an error goes before them */
	struct strbuf error; /* Nix's first one, with its block */
	struct strbuf tail;  /* the last lines that were not shown */
	struct strv shown;
	size_t room;            /* bytes that may be shown as they come */
	unsigned lines_to_show; /* of a list that has begun */
	bool returned;          /* the last character was a carriage return */
	bool in_error;
	bool holds_own;             /* what we say may be the end: see brief_end() */
	uint64_t left_out;          /* lines */
	uint64_t warnings_left_out; /* ... of them */
	uint64_t planned, started;  /* derivations and paths */
	char last[64];              /* the name of the one that was started last */
	int64_t begun_ms, said_ms;
	unsigned signs; /* of life */
};

/* said: bytes that this call has printed already. */
void brief_start(struct brief *ret, size_t said);
void brief_free(struct brief *brief);

/* Reads on. */
void brief_read(struct brief *brief, const char *data, size_t len);
/* It is over; build: 0 where it has no number. */
void brief_end(struct brief *brief, int exit_status, uint64_t build);

/* Milliseconds to the next sign of life; -1: none is given. */
int brief_wait_ms(const struct brief *brief);
/* Gives it, if it is time. */
void brief_be_alive(struct brief *brief);
