#pragma once
/*
 * Who edited which file of a configuration, as the agents' hooks tell: the author of a
 * line is then known better than by the build that it came with. One file per uid,
 * STATE/edits/UID, of lines "TIME AGENT PATH"; only the newest EDITS_KEPT count, and only
 * what that user has written. It is attribution, never permission, and without it the
 * builder is the author.
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

/* Notes that the agent has just edited the file. -1 with errno set; nobody waits for it.
 */
int edits_note(const struct settings *settings, const char *agent, const char *path);

/* All that are noted; none where nothing can be read. */
void edits_read(struct edits *ret, const struct settings *settings);
/* Drops those that are not believed. */
void edits_believe(struct edits *edits,
	bool (*is_believed)(const struct edit *edit, const void *data), const void *data);
void edits_free(struct edits *edits);
#define _cleanup_edits_ _cleanup_(edits_free)

/* The newest edit of the path; NULL without one. */
const struct edit *edits_last(const struct edits *edits, const char *path);

/*
 * The only one who edited the path after from and not after to; NULL where that was
 * nobody or more than one. to 0: until now.
 */
const char *edits_author(
	const struct edits *edits, const char *path, time_t from, time_t to);
