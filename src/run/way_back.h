#pragma once
/*
 * The way back from a trial by another process than its runner: systemd's timer, or the
 * next run where the runner was killed. Only one process at a time does it (a lock on
 * RUN/trial.lock, which is root's alone), and RUN/trial.expired stands until it is done,
 * so it is not forgotten if that process is killed.
 *
 * What somebody else has made live meanwhile is left alone.
 */
#include "base/child.h"
#include "settings/settings.h"

/* For the activation of the old system. */
#define WAY_BACK_MS 600000

/* The timer's part. Returns the exit status. */
int way_back_of_timer(const struct settings *settings,
	const struct surroundings *surroundings, uint64_t build);

/*
 * With the turn. A trial whose runner was killed can be kept by nobody, and its timer
 * would come in the midst of another's switch: it is taken back now. One that is being
 * taken back is waited for.
 */
void way_back_of_orphan(
	const struct settings *settings, const struct surroundings *surroundings);

/* Whether some process is taking a trial back now. */
bool way_back_is_taken(const struct settings *settings);
