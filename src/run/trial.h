#pragma once
/*
 * A switch on trial: nixos-rebuild runs as "test", so that the machine still boots the
 * old system. The new one is checked ([health]) and, with --confirm, waits until somebody
 * confirms it. Only then is it kept, else the old one is activated again: exit 70.
 *
 * With --confirm the way back is armed outside our processes: see confirmation.h.
 */
#include "rebuild/system.h"
#include "run/health.h"
#include "run/run.h"
#include "run/supervise.h"

/* To be called when the phase of nixos-rebuild changes. */
void trial_note_phase(struct run *run, const struct supervision *supervision);

/* Runs nixos-rebuild and what follows; leaves the exit status in the supervision. */
void trial_run(struct supervision *supervision, struct run *run,
	const struct system_state *before, const struct units_before *units_before);
