#pragma once
/* What status tells, for programs: null is what cannot be read, or does not apply. */
#include "commands/state.h"

/* Returns the exit status. */
int state_print_json(const struct state *state);
