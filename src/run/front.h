#pragma once
/*
 * The front is what the caller sees of a run: it copies nixos-rebuild's output from the
 * log and exits with its status. A person's INT, TERM and QUIT are passed on to
 * nixos-rebuild; an agent's end only the front, as HUP does for both: the rebuild goes
 * on.
 */
#include <stdint.h>

#include "base/macro.h"

/*
 * From now on the signals that the front handles wait for front_follow(). Called before
 * the runner is started: one that comes in between is not lost.
 */
int front_watch_signals(void);

/* Tells one whose call ends that build number (0: not known) does not. */
void say_build_goes_on(uint64_t number);

/* Follows the runner behind socket to the end; both are owned. Returns the exit status.
 */
int front_follow(int socket, int signals, bool is_agent);
