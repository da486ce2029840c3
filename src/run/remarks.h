#pragma once
/*
 * What is worth saying about a configuration before it is built, what changed in it while
 * nixos-rebuild was reading it, and about the machine after.
 */
#include "rebuild/system.h"
#include "run/run.h"

/* This tree has just failed; it brings back what was rolled back. */
void remark_before(const struct run *run);

/*
 * Names what changed meanwhile, with when it was saved, and records it. A flake.lock that
 * nixos-rebuild itself has written is no such change. lock_file_written: when Nix said
 * so, 0 where it did not.
 */
void remark_meanwhile(struct run *run, time_t lock_file_written);

/* What runs is not what boots next; files of the user's that now belong to root. */
void remark_after(const struct run *run, const struct system_state *now);
