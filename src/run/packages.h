#pragma once
/*
 * What became of the packages: [show] packages (such as "nix store diff-closures") is run
 * with the systems before and after, when the build is recorded. Its first lines are
 * said, and so kept with the build's log. It is the last of the turn, not after it: who
 * follows the build would not see it, nor the outcome behind it.
 */
#include "rebuild/system.h"
#include "run/run.h"

void packages_say(const struct run *run, const struct system_state *before,
	const struct system_state *after);
