#pragma once
/*
 * What a build's exit status and the machine's links before and after it mean. The links
 * decide, not the number: switch-to-configuration's exit statuses say little (100 is also
 * nix-build's "build failed"), and one that was cut off says nothing.
 */
#include "rebuild/request.h"
#include "rebuild/system.h"
#include "record/build.h"

struct ending {
	int exit_status; /* 128+n: died of signal n */
	bool signalled;  /* it died of a signal, or one was passed on to it */
	bool activation_begun;
	bool sets_profile; /* all that activate but test */
	bool boot_loader_failed;
	bool cancelled;  /* somebody asked for its end, and it has not succeeded before */
	bool taken_back; /* a trial that did not prove itself */
	bool superseded; /* what runs now is another's */
	const struct system_state *before, *after;
};

/* To be called at the start: a run that is killed has recorded only this. */
void outcome_note_before(
	struct build *build, enum action action, const struct system_state *before);

/* Sets the build's outcome and what it did to the links. */
void outcome_judge(struct build *build, enum action action, const struct ending *ending);

/* The last line of a run: "switch succeeded: build 43, generation 142, 38 s". */
char *outcome_sentence(
	const struct build *build, const struct ending *ending) _must_check_;
