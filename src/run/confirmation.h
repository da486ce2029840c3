#pragma once
/*
 * A trial that waits to be confirmed, see trial.h. RUN/trial is its record (Build, Old,
 * New, Until: 1970 without a timer). Only root can rename it, and whoever does so first
 * decides: confirm to ".confirmed", the way back to ".expired" and, once the old system
 * is active again, to ".taken-back".
 *
 * The way back needs none of our processes and no network: before the activation we arm a
 * transient systemd timer, outside every session, that calls "safe-rebuild confirm
 * --take-back N" (systemd-run(1)). A restart of the machine boots the old system anyway.
 */
#include "run/run.h"

/* Behind the name of the file. */
#define TRIAL_OPEN ""
#define TRIAL_CONFIRMED ".confirmed"
#define TRIAL_EXPIRED ".expired"
#define TRIAL_TAKEN_BACK ".taken-back"

struct trial_record {
	uint64_t build; /* 0: nothing */
	char *old_system, *new_system;
	time_t until;
};

void trial_read(
	struct trial_record *ret, const struct settings *settings, const char *suffix);
void trial_record_free(struct trial_record *record);
#define _cleanup_trial_record_ _cleanup_(trial_record_free)

/* 1: decided by this call, in this way; 0: it was decided already; -1 with errno set. */
int trial_decide(const struct settings *settings, const char *suffix) _must_check_;
/* Decides that it is kept, in the name of by. */
int trial_confirm(const struct settings *settings, const char *by) _must_check_;
/* Who confirmed it, NULL if not known; removes the note. The caller frees. */
char *trial_confirmed_by(const struct settings *settings) _must_check_;
bool trial_is_there(const struct settings *settings, const char *suffix);
void trial_forget(const struct settings *settings, const char *suffix);

/* Protects the old system from garbage collection meanwhile (needed unless it boots). */
void trial_hold_root(const struct settings *settings, const char *system);
void trial_release_root(const struct settings *settings);

/* Records the trial and sets the timer to ms from now (0: no timer; then only the next
 * run goes back if the runner dies). new_system "?": not known yet. Warns if the timer
 * cannot be set: then only the runner takes the system back (trial.has_timer). */
void trial_arm(struct run *run, const char *new_system, int64_t ms);
void trial_stop_timer(const struct surroundings *surroundings, uint64_t build);

/* Notes that the expired trial was taken back; and whether a process other than the
 * build's own runner did that. */
void trial_note_taken_back(const struct settings *settings);
bool trial_was_taken_back(const struct settings *settings, uint64_t build);

/* Whether neither of the trial's systems runs: then somebody else made another live. */
bool trial_is_superseded(
	const struct settings *settings, const char *old_system, const char *new_system);
