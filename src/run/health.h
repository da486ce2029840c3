#pragma once
/*
 * Whether a system that has just been activated is well: [health] check is run, and where
 * units = yes, no unit may have failed newly or be restarting, ten seconds after the last
 * job has ended.
 */
#include "run/run.h"
#include "run/supervise.h"
#include "run/units.h"

/* NULL where it is well, else why not, in words. The caller frees. What the check said
 * last is kept in the build. */
char *health_check(struct supervision *supervision, struct run *run,
	const struct units_before *units_before, const char *old_system) _must_check_;
