#pragma once
/* What is known about a configuration before it is built, and about the machine after. */
#include "rebuild/system.h"
#include "run/run.h"

/* This tree has just failed; it brings back what was rolled back. */
void advise_before(const struct run *run);

/* What runs is not what boots next; files of the user's that now belong to root. */
void advise_after(const struct run *run, const struct system_state *now);
