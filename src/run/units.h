#pragma once
/*
 * Units that are not well. switch-to-configuration resets failed units before it starts
 * some, and its exit status 4 does not tell those that this switch broke from those that
 * have been broken for weeks: systemctl(1) is asked before and after. Where there is none
 * (or no answer within seconds) nothing is said.
 */
#include "run/run.h"

struct units_before {
	struct strv failed;    /* or between two of their starts */
	struct strv restarted; /* as units_read_restarts() has them */
};

/* Where this run may activate a system here; what was started again only where units
 * count ([health] units). */
void units_read_before(struct units_before *ret, const struct run *run);

/*
 * Names those that have failed since; and those between two starts, where they had not
 * been started again by systemd before. False where systemctl gives no answer within
 * [health] timeout.
 */
bool units_read_unwell(struct strv *ret, const struct run *run,
	const struct units_before *before) _must_check_;
/* "NAME COUNT" of each service that systemd itself has started again, so often since
 * anybody else did: a crash loop is not seen by its state alone. */
void units_read_restarts(struct strv *ret, const struct run *run);
/*
 * Names those that were started again between the two, unless that is nothing new: they
 * were in a loop before the run, or kept restarting up to the first list.
 */
void units_find_loops(struct strv *ret, const struct units_before *before,
	const struct strv *first, const struct strv *second);
/* Whether some are being started or stopped. */
bool units_have_jobs(const struct run *run);

/* Names units that failed newly, after a failed run also the others; records all. */
void units_compare(struct run *run, const struct units_before *before);
