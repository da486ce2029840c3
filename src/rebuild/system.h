#pragma once
/*
 * Where the machine's links point: what it runs (/run/current-system) and what it boots
 * (the profile, system -> system-N-link -> store path). Reading them needs no lock and no
 * privilege; a link that cannot be read is NULL, generation 0.
 */
#include <stdint.h>

#include "rebuild/target.h"

struct system_state {
	char *running;       /* store path that /run/current-system points at */
	char *profile;       /* store path that the profile points at */
	uint64_t generation; /* N of the profile's system-N-link */
};

/* Nothing is known of a target on another machine. */
struct system_state system_read(
	const struct settings *settings, const struct target *target) _must_check_;
void system_free(struct system_state *state);
#define _cleanup_system_ _cleanup_(system_free)

/* Of two of their store paths; a NULL is the same as another. */
bool system_is_same(const char *a, const char *b);
/* What the action is meant to change: boot only the profile, the others what runs. */
const char *system_aim(const struct system_state *state, enum action action);

bool system_equals(const struct system_state *a, const struct system_state *b);

/* Whether a generation of the target's profile is this system. */
bool system_is_generation(const struct target *target, const char *system);

/*
 * The store path of generation N of the system's profile, NULL where it is gone. The
 * caller frees.
 */
char *system_generation_path(
	const struct settings *settings, uint64_t generation) _must_check_;
