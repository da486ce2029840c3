#pragma once
/*
 * Calls from within a run: nixos-rebuild re-executes the nixos-rebuild of the
 * configuration that it builds, which may be us; a script under "exec" calls us. They run
 * straight through, for the run that they are part of has the lock.
 *
 * Recognised by a marker in the environment (also where sudo has stripped it, from an
 * ancestor's) or by the runner being our ancestor. The marker names a ticket and counts
 * only while that is locked: a daemon that a build has started queues like everybody
 * else.
 */
#include "record/build.h"

#define NESTED_MARKER "SAFE_REBUILD_INSIDE"

/* queue: the queue directory of the target that is asked for. */
bool nested_is_inside(const char *queue);

/* Marks this process' environment, for what it starts. */
void nested_mark(const char *queue, const char *ticket);

/* A process as tickets name it; empty where it is gone. */
struct process_name nested_name(pid_t pid);
