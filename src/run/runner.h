#pragma once
/*
 * The runner owns nixos-rebuild, the turn (ticket and lock), the log and the record. It
 * is forked twice into a session of its own (at a person's terminal: a process group), so
 * that what kills the caller's front, its process group or its process tree leaves the
 * rebuild running and recorded.
 */
#include "run/run.h"

/*
 * Starts it; *ret_socket is the front's end of the relay. The turn is the runner's from
 * now on: this process has closed its descriptors of it. -1 (printed) if it could not
 * start; then the turn is still ours.
 */
int runner_start(int *ret_socket, struct run *run) _must_check_;
