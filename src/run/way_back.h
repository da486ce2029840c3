#pragma once
/*
 * The way back from a trial by a process other than its runner: systemd's timer or, if
 * the runner was killed, the next run. One process at a time does it (a lock on
 * RUN/trial.lock, which only root can open), and RUN/trial.expired stays until then, so
 * it is not forgotten if that process is killed.
 *
 * If somebody else has made another system live meanwhile, that is left alone.
 */
#include "base/child.h"
#include "settings/settings.h"

/* For the activation of the old system. */
#define WAY_BACK_MS 600000

/* The timer's part. Returns the exit status. */
int way_back_of_timer(const struct settings *settings,
	const struct surroundings *surroundings, uint64_t build);

/*
 * To be called with the turn. If a trial's runner was killed, nobody can keep it, and its
 * timer would interrupt somebody else's switch: so it is taken back now. If that is
 * happening already, waits for it.
 */
void way_back_of_orphan(
	const struct settings *settings, const struct surroundings *surroundings);

/* Whether some process is taking a trial back now. */
bool way_back_is_taken(const struct settings *settings);
