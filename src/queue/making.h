#pragma once
/*
 * The directories that a target's queue and lock lie in, as settings/sharing.h shares
 * them. What a member of the group has made there, or moved, is taken over or put aside.
 */
#include "rebuild/target.h"

/* Makes the target's directories, its lock and its queue where they are missing. -1 with
 * errno set. */
int queue_make(const struct settings *settings, const struct target *target);
