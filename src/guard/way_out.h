#pragma once
/*
 * The ways out of a refusal, as commands that work as they are printed, in the state in
 * which the caller's checkout is, as the one who calls.
 */
#include "guard/guard.h"

/* The command that brings everybody's work in. undo: something would be taken away;
 * else it would only come back. */
void way_out_say(const struct guard *guard, bool undo);

/* The command that allows it: whose work goes, and whose comes back ("43,44" or
 * ""). */
void way_out_say_allow(const struct guard_call *call, const char *undo, const char *redo);
