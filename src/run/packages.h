#pragma once
/*
 * What became of the packages: [show] packages (such as "nix store diff-closures") is run
 * with the systems before and after, when the build is recorded. Its first lines are
 * said, and so kept with the build's log. The turn has ended by then, and the runner
 * lives on: who follows the build sees it, and the outcome after it.
 */
#include "rebuild/system.h"
#include "run/run.h"

void packages_say(const struct run *run, const struct system_state *before,
	const struct system_state *after);
