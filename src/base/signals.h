#pragma once
/*
 * Signals as events. Those that the caller has ignored (nohup, a shell's background job)
 * stay ignored.
 */
#include <signal.h>

#include "base/macro.h"

/*
 * Blocks the signals of the list (ended by 0) and returns a signalfd(2) for them, -1 with
 * errno set; *ret_mask (unless NULL) is what was blocked before.
 */
int signals_watch(const int *list, sigset_t *ret_mask);
