#pragma once
/*
 * Who edited which file of a configuration, as the agents' hooks note it. With that, the
 * author of a line need not be the one who first built it; without, the builder counts as
 * the author. Each user has a file STATE/edits/UID with lines "TIME AGENT PATH": only the
 * newest EDITS_KEPT are kept, and only what that user wrote is believed. This is
 * attribution, never permission.
 */
#include "record/build.h"
#include "settings/settings.h"

#define EDITS_KEPT 2000

struct edit {
	time_t when;
	uid_t by;           /* who notes it */
	char *agent, *path; /* absolute */
};

struct edits {
	struct edit *list; /* oldest first */
	size_t len;
};

/* Notes that the agent has just edited the file. Never waits long; -1 with errno set. */
int edits_note(const struct settings *settings, const char *agent, const char *path);

/* Reads all edits; what cannot be read is left out. */
void edits_read(struct edits *ret, const struct settings *settings);
void edits_free(struct edits *edits);
#define _cleanup_edits_ _cleanup_(edits_free)

/* The newest edit of the path; NULL without one. */
const struct edit *edits_last(const struct edits *edits, const char *path);

/*
 * The only agent who edited the path after from and until to (0: now); NULL if nobody did
 * or several did.
 */
const char *edits_author(
	const struct edits *edits, const char *path, time_t from, time_t to);
