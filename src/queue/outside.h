#pragma once
/*
 * What changes the machine without holding our lock, and is waited for before the lock is
 * of use: the nixos-rebuild of a run whose runner was killed, and an activation that was
 * started outside safe-rebuild. A nixos-rebuild that was started outside is named and not
 * waited for: until it activates it harms nobody.
 */
#include "queue/lock_wait.h"
#include "settings/settings.h"

struct outside {
	const struct settings *settings;
	const char *queue;
	bool is_local; /* whether activations on this machine matter */
	struct lock_wait *wait;
	void (*begins)(void *data); /* called when there is something to wait for */
	void *data;
	char *what; /* what is waited for, in words; owned by the caller */
};

/*
 * LOCK_WAIT_GOT: none of this runs any more. Removes the dead tickets that name a
 * nixos-rebuild, unless they have an outcome that must still be recorded.
 */
enum lock_wait_result outside_wait(struct outside *outside);

/*
 * Warns of nixos-rebuilds that run outside. It reads much of /proc, which also slows
 * what is started just then: called when our own has been started.
 */
void outside_name_rebuilds(void);

/* Waits for an activation that nixos-rebuild, started then, has left behind. */
void outside_wait_for_leftover(const struct settings *settings, time_t started);
