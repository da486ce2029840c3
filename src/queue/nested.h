#pragma once
/*
 * Calls from within a run: nixos-rebuild re-executes the nixos-rebuild of the
 * configuration that it builds, which may be us; a script under "exec" calls us. They run
 * straight through, for the run that they are part of has its turn.
 *
 * No variable and no ticket is believed: an ancestor must be the runner that a ticket
 * names, and have the flock on that ticket, and where the action needs the lock an
 * ancestor must have that, by what the kernel says in /proc/PID/fdinfo. A daemon that a
 * build has started has no such ancestor and queues like everybody else. A user who is
 * not root cannot read that of root's processes, and could skip only their own waiting:
 * for them it is enough to descend from the runner.
 */
#include "rebuild/target.h"
#include "record/build.h"

bool nested_is_inside(const struct target *target, bool needs_lock);

/* A process as tickets name it; empty where it is gone. */
struct process_name nested_name(pid_t pid);
