#pragma once
/*
 * Activations of NixOS, whoever started them. switch-to-configuration holds a flock on
 * [paths] activation-lock while it works, and nixos-rebuild starts it as a transient unit
 * nixos-rebuild-switch-to-configuration*.service, whose control group lies in [paths]
 * system-slice (nixpkgs: switch-to-configuration-ng, nixos-rebuild-ng's nix.py).
 *
 * That lock is never tried, not even shared: for that instant a real activation would be
 * told that it is taken, after the profile has been set.
 */
#include <sys/types.h>

#include "base/strv.h"
#include "settings/settings.h"

enum activation_state {
	ACTIVATION_NONE,
	ACTIVATION_UNKNOWN, /* from inside a pid namespace we cannot see the others */
	ACTIVATION_RUNNING,
	ACTIVATION_LEAKED, /* over, but what it left behind keeps its lock */
};

struct activation {
	enum activation_state state;
	pid_t pid;         /* whose end is waited for; 0: not known */
	char *description; /* "switch-to-configuration (pid 4711, for 2 min)"; NULL: none
			    */
};

/* An activation that we were started by does not count. */
void activation_find(struct activation *ret, const struct settings *settings);
void activation_free(struct activation *activation);
#define _cleanup_activation_ _cleanup_(activation_free)

/* The nixos-rebuilds that run now and descend from no safe-rebuild, in words. */
struct strv activation_list_rebuilds(void) _must_check_;
