#pragma once
/*
 * A target's lock: a plain flock(2), so that "flock RUN/lock COMMAND" takes part. We
 * never unlink the file; whoever has locked it compares path and descriptor, in case
 * somebody else did.
 */
#include <sys/types.h>

#include "base/macro.h"
#include "rebuild/target.h"
#include "record/build.h"

#define LOCK_MODE 0660

/* Opens it; if it is missing, makes it with LOCK_MODE and this group ((gid_t)-1: the
 * directory's). -1 with errno set. */
int lock_open(const char *directory, gid_t group) _must_check_;
/* Whether the path still names the file that fd has open. */
bool lock_is_current(const char *directory, int fd);

/*
 * Whether an ancestor of ours has the lock's locked descriptor open, as within "flock
 * RUN/lock sh -c ..." or after a shell's "exec 9>RUN/lock; flock 9": then it is ours to
 * use. Read from /proc/PID/fdinfo (its "lock:" lines,
 * Documentation/filesystems/proc.rst).
 */
bool lock_is_held_by_ancestor(const char *directory);

/* "flock (pid 4711)": who holds the lock according to /proc/locks; NULL: nobody. The
 * caller frees. */
char *lock_describe_holder(const char *directory) _must_check_;

/*
 * Calls from within a run: nixos-rebuild re-executes the nixos-rebuild of the
 * configuration that it builds, which may be us; a script under "exec" calls us. They run
 * straight through, because the run that they are part of has its turn.
 *
 * No variable and no ticket alone is believed: an ancestor must be the runner that a
 * ticket names and have the flock on that ticket; if the action needs the lock, an
 * ancestor must have that, too. The kernel tells this in /proc/PID/fdinfo. A daemon that
 * a build has started has no such ancestor and queues like everybody else. A user who is
 * not root cannot read fdinfo of root's processes, and could skip only their own waiting:
 * for them it is enough to descend from the runner.
 */
bool nested_is_inside(const struct target *target, bool needs_lock);

/* A process as tickets name it; empty if it is gone. */
struct process_name nested_name(pid_t pid);
