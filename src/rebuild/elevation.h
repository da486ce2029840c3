#pragma once
/*
 * nixos-rebuild --sudo runs unprivileged, builds, and only then lets sudo set the profile
 * and activate. Where sudo will not work it fails after minutes of building: that is
 * found out first. In the runner's session there is no terminal on which sudo could ask
 * for a password.
 */
#include "base/child.h"
#include "rebuild/request.h"

/* 0, or the exit status (printed) where sudo will fail. */
int elevation_check(const struct request *request,
	const struct surroundings *surroundings) _must_check_;
