#pragma once
/*
 * Whose error it is: the place in Nix' message as a file of the configuration, whether
 * that is committed, when it was saved, and by which build it came.
 */
#include "run/error.h"
#include "run/run.h"

/* Says it and notes Nix-Error and Nix-Error-At in the record; nothing where there is no
 * error. */
void blame(struct run *run, const struct error_reader *error);
