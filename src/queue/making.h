#pragma once
/*
 * The directories of a target's queue and lock, shared as settings/sharing.h says. What a
 * member of the group has made or moved there is taken over, moved away or removed.
 */
#include "rebuild/target.h"

/* Makes the target's directories, its lock and its queue if they are missing. With root's
 * rights, only takes over a shared target: queue_enter() makes it. -1 with errno set. */
int queue_make(const struct settings *settings, const struct target *target);
