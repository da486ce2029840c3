#pragma once
/* What a build's exit and the machine's links before and after it mean. */
#include "rebuild/request.h"
#include "rebuild/system.h"
#include "record/record.h"

struct ending {
	int exit_status; /* 128+n: died of signal n */
	bool signalled;  /* it died of a signal, or one was passed on to it */
	bool cancelled;  /* somebody asked for its end, and it has not succeeded before */
	const struct system_state *before, *after;
};

/* Sets Outcome, Exit-Status, System-After and Generation. */
void outcome_record(
	struct record *build, enum action action, const struct ending *ending);

/* The last line of a run: "switch succeeded: build 43, generation 142, 38 s". */
char *outcome_sentence(
	const struct record *build, const struct ending *ending) _must_check_;
