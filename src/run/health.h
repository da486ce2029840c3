#pragma once
/*
 * Whether a system that has just been activated is healthy: runs [health] check and,
 * with units = yes, looks for units that have newly failed or are restarting, ten seconds
 * after the last job has ended.
 *
 * switch-to-configuration resets failed units before it starts some, and its exit status
 * 4 does not tell those that this switch broke from those that have been broken for
 * weeks: systemctl(1) is asked before and after. Where there is none (or no answer within
 * seconds) nothing is said.
 */
#include "run/run.h"
#include "run/supervise.h"

struct units_before {
	struct strv failed;    /* or between two of their starts */
	struct strv restarted; /* "NAME COUNT", only where units count ([health] units) */
};

/* Where this run may activate a system here. */
void units_read_before(struct units_before *ret, const struct run *run);
/* Names units that failed newly, after a failed run also the others; records all. */
void units_compare(struct run *run, const struct units_before *before);

/* NULL if it is healthy, else the reason in words. The caller frees. The end of the
 * check's output is kept in the build. */
char *health_check(struct supervision *supervision, struct run *run,
	const struct units_before *units_before, const char *old_system) _must_check_;
