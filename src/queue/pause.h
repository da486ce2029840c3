#pragma once
/*
 * A person may stop all rebuilds for a while: RUN/paused, a record (By, Message, Since,
 * Until) that only the owner of the run directory can make. A run looks for it when it
 * arrives, when it is made while the run waits, and when its turn comes; running builds
 * go on, and a person's rollback passes. A restart of the machine ends it, because that
 * empties /run.
 */
#include "settings/settings.h"

/*
 * Who has paused rebuilds, when, why and for how long, in words. The caller frees; NULL
 * if they are not paused.
 */
char *pause_describe(const struct settings *settings) _must_check_;

/* until 0: until somebody resumes. -1 with errno set. */
int pause_set(const struct settings *settings, const char *by, const char *message,
	time_t until) _must_check_;
/* fd, of inotify(7), becomes readable when somebody pauses rebuilds from now on. */
void pause_watch(int fd, const struct settings *settings);
/* 1; 0 if nothing was paused; -1 with errno set. */
int pause_end(const struct settings *settings) _must_check_;
