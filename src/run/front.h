#pragma once
/*
 * What a caller sees of a build. The front copies nixos-rebuild's output to stdout and
 * stderr as the runner tells it, in the order of each stream, and returns the exit
 * status. It owns nothing: when it ends, the build goes on. Any other process that may
 * read a build's log can follow the build in the same way, from its first line.
 *
 * If the runner is killed, the front goes on reading nixos-rebuild's output in its place:
 * a program that activates a system would die of a closed stderr.
 *
 * INT, TERM and QUIT from a person go through to nixos-rebuild; from an agent they end
 * only the front, and so does HUP. A signal to a follower ends only the following.
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
