#pragma once
/*
 * Whose error it is: which file of the configuration Nix' message points to, whether that
 * is committed, when it was saved, and which build brought it.
 */
#include "run/progress.h"
#include "run/run.h"

/* Says it and notes it in the build; nothing where there is no error. */
void blame(struct run *run, const struct nix_error *error);
