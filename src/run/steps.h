#pragma once
/*
 * The steps of rollbacks and trials, without nixos-rebuild (whose re-exec evaluates the
 * broken configuration even for --rollback): activate a system by its store path, and
 * make it the one that boots. Each program is supervised as nixos-rebuild is.
 *
 * Activation starts as in nixos-rebuild-ng: with systemd as a transient unit of the same
 * name, so that it outlives us; with NIXOS_NO_CHECK=1, because a check may be what was
 * wrong (nixos-rebuild-ng, services.py; switch-to-configuration-ng).
 */
#include "run/run.h"
#include "run/supervise.h"

bool steps_have_systemd(const struct settings *settings);
/* Whether the caller may set the profile. */
bool steps_are_permitted(const struct run *run);

/* Runs one of several programs under one supervision. Returns the exit status. */
int step_run(struct supervision *supervision, const struct strv *argv);

/* Whether the system runs. */
bool step_is_active(const struct run *run, const char *system);
/* SYSTEM/bin/switch-to-configuration test; whether the system runs then. */
bool step_activate(
	struct supervision *supervision, const struct run *run, const char *system);

/*
 * Sets the profile, if it differs, and installs the boot loader. Uses nix-env --set, not
 * --switch-generation: systemd-boot ignores generations beyond its configuration limit.
 */
int step_keep(struct supervision *supervision, const struct run *run, const char *system);

/*
 * Both, for run->back.system, in this order: a full boot partition must not keep the
 * running system from going back. Exit status 4 (units failed) is normal on the way back.
 * Leaves the exit status in the supervision.
 */
void steps_go_back(struct supervision *supervision, const struct run *run);
