#pragma once
/*
 * Whose error it is: the place in Nix' message as a file of the configuration, whether
 * that is committed, when it was saved, and by which build it came.
 */
#include "run/progress.h"
#include "run/run.h"

/* Says it and notes it in the build; nothing where there is no error. */
void blame(struct run *run, const struct nix_error *error);
