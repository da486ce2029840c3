#pragma once
/*
 * If one build can serve several callers, nothing is built twice.
 *
 * Join: a request takes over the outcome of a build that began after the request was made
 * (its number is higher than the highest one when the request began to wait: no clocks),
 * if this request can have no other outcome. Follow: an agent that repeats its own
 * running command on an unchanged configuration watches that run.
 *
 * Both say what they do, print the same stdout and return the same exit status. A joined
 * request has reached no nixos-rebuild: it is a line in syslog and moves the agent's ref,
 * and is no build of its own.
 */
#include "run/run.h"

/* Notes in the build what, beside the snapshot, the result depends on. */
void join_describe_request(struct run *run);

/* Both return the exit status, or -1 where the request has to be run itself. */
int join_own_running(struct run *run);
int join_finished(struct run *run);
