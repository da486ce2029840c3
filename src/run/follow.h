#pragma once
/*
 * Following a build from its first line to its end, from any process that may read its
 * log. Sleeps in inotify(7): on the log for more output, on the ticket for the runner's
 * end.
 */
#include "ledger/builds.h"
#include "settings/settings.h"

/*
 * Copies the build's log to the stream (STDOUT_FILENO or STDERR_FILENO) until its runner
 * is gone, then returns the build's exit status (EXIT_OWN_FAILURE where it was killed
 * before it could record one). A signal ends the following, never the build.
 */
int follow_build(const struct settings *settings, struct ledger *ledger,
	const struct build *build, int stream);
