#pragma once
/*
 * Somebody's decision on a build that waits to be confirmed (see confirmation.h): by the
 * command, or on the terminal of the person who started it. The build's runner notices,
 * keeps the system or takes it back, and records that.
 */
#include "rebuild/target.h"
#include "settings/settings.h"

/*
 * Keeps it in the name of BY, and waits until that is done: the exit status. What went
 * wrong, or how it ended, is printed.
 */
int word_confirm(const struct settings *settings, uint64_t number, const char *by);

/* Waits until its runner has kept it or taken it back, and says how that went: the exit
 * status. */
int word_report(const struct settings *settings, uint64_t number);

/*
 * Asks on stdin until there is an answer or somebody else has decided. A signal ends only
 * the asking. Returns the exit status.
 */
int word_ask(const struct settings *settings, const struct target *target,
	uint64_t number, const char *by);
