#pragma once
/*
 * What became of the packages: [show] packages (such as "nix store diff-closures") is run
 * with the systems before and after, when the turn is over. Its first lines are said, and
 * so kept with the build's log.
 */
#include "rebuild/system.h"
#include "run/run.h"

void packages_say(const struct run *run, const struct system_state *before,
	const struct system_state *after);
