#pragma once
/*
 * The ways out of a refusal, as commands. They work as printed, for this caller, and in
 * whatever state the checkout is.
 */
#include "guard/guard.h"

/* The command that brings everybody's work in. undo: something would be taken away;
 * else it would only come back. */
void way_out_say(const struct guard *guard, bool undo);

/* Prints the command that allows it. undo, redo: whose work goes and whose comes back, as
 * "43,44" or "". */
void way_out_say_allow(const struct guard_call *call, const char *undo, const char *redo);
