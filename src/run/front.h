#pragma once
/*
 * What a caller sees of a build. The front of a run copies nixos-rebuild's output as the
 * runner tells it to, to stdout and stderr in the order of each, and passes the exit
 * status on; it owns nothing, and when it ends the build goes on. Any other process that
 * may read a build's log can follow it from its first line in the same way.
 *
 * Should the runner be killed, the front reads nixos-rebuild's output on in its place,
 * for what activates a system would die of a closed stderr.
 *
 * INT, TERM and QUIT of a person go through to nixos-rebuild; an agent's, and HUP, end
 * the front alone. Who follows somebody's build ends nothing but the following.
 */
#include "ledger/builds.h"
#include "run/streams.h"
#include "settings/settings.h"

/* socket: the front's end of the relay; signals: of watch_signals(). Returns the exit
 * status; *ret_unconfirmed: the build, where it waits for somebody's word, else 0. */
int front_follow(int socket, int signals, bool is_agent, const struct streams *streams,
	uint64_t *ret_unconfirmed);

/*
 * Copies the build's log to the stream (STDOUT_FILENO or STDERR_FILENO) until its runner
 * is gone, then returns the build's exit status, EXIT_OWN_FAILURE (printed) where it
 * could not record one.
 */
int follow_build(const struct settings *settings, struct ledger *ledger,
	const struct build *build, int stream, bool is_agent);
