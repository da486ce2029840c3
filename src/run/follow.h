#pragma once
/*
 * Following a build from its first line to its end, from any process that may read its
 * log. Sleeps in inotify(7): on the log for more output, on the ticket for the runner's
 * end.
 */
#include "ledger/builds.h"
#include "settings/settings.h"

/*
 * Copies the build's log to stdout until its runner is gone, then returns the build's
 * exit status (EXIT_OWN_FAILURE where it was killed before it could record one).
 */
int follow_build(const struct settings *settings, struct ledger *ledger,
	const struct build *build);
