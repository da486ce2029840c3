#pragma once
/*
 * Units that have failed. switch-to-configuration resets failed units before it starts
 * some, and its exit status 4 does not tell those that this switch broke from those that
 * have been broken for weeks: systemctl(1) is asked before and after. Where there is none
 * (or no answer within seconds) nothing is said.
 */
#include "run/run.h"

/* Adds the names of those that have failed, or that systemd starts again and again, where
 * this run may activate a system here. */
void units_read_before(struct strv *ret, const struct run *run);

/* The same afterwards; false where systemctl gives no answer within [health] timeout. */
bool units_read_unwell(struct strv *ret, const struct run *run) _must_check_;
/* Whether some are being started or stopped. */
bool units_have_jobs(const struct run *run);

/* Names those that are new and, of a run that failed, those that are not; records all. */
void units_compare(struct run *run, const struct strv *before);
