#pragma once
/*
 * What going back and trials are made of, without nixos-rebuild (whose re-exec evaluates
 * the broken configuration even for --rollback): to activate a system by its store path,
 * and to keep it as what boots. Each program is watched over as nixos-rebuild is.
 *
 * Activation is started as nixos-rebuild-ng does it: where there is systemd, as a
 * transient unit of its name, so that it outlives us; with NIXOS_NO_CHECK=1, for a check
 * may be what was wrong (nixos-rebuild-ng, services.py; switch-to-configuration-ng).
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
 * Sets the profile, where it is another, and installs the boot loader. nix-env --set, not
 * --switch-generation: systemd-boot ignores a profile beyond its configuration limit.
 */
int step_keep(struct supervision *supervision, const struct run *run, const char *system);

/*
 * Both, for run->back.system, in this order: a full boot partition must not stop what
 * runs from going back. 4 (units have failed) is normal on the way back. Leaves the exit
 * status in the supervision.
 */
void steps_go_back(struct supervision *supervision, const struct run *run);
