#pragma once
/*
 * Who holds a flock(2), by /proc/locks (Documentation/filesystems/proc.rst): asking
 * disturbs nobody, where trying to lock could make another's attempt fail. The kernel
 * names the process that took the lock, which may be gone while one that inherited the
 * descriptor keeps it. It leaves out processes that cannot be seen from this pid
 * namespace: no answer means free only where proc_locks_are_complete().
 */
#include <sys/stat.h>
#include <sys/types.h>

#include "base/macro.h"

/* 0: nobody that can be seen; -1: somebody whose pid is not known. */
pid_t proc_locks_holder(const struct stat *file);
bool proc_locks_are_complete(void);

/* Whether the process has the file open and locked, by its fdinfo. */
bool proc_has_locked(pid_t pid, const struct stat *file);
