#pragma once
/*
 * A person may stop all rebuilds for a while: RUN/paused, a record (By, Message, Since,
 * Until) which only who owns the run directory can make. It is asked by who arrives and
 * by whose turn comes; what already builds goes on, and a person's rollback goes through.
 * A restart of the machine ends it, as it empties /run.
 */
#include "settings/settings.h"

/*
 * Whether rebuilds are paused: then *ret says who did it, when, why and for how long, in
 * words. The caller frees; NULL where they are not.
 */
char *pause_describe(const struct settings *settings) _must_check_;

/* until 0: until somebody resumes. -1 with errno set. */
int pause_set(const struct settings *settings, const char *by, const char *message,
	time_t until) _must_check_;
/* 1, 0 where nothing was paused, -1 with errno set. */
int pause_end(const struct settings *settings) _must_check_;
