#pragma once
/*
 * What others have built since an agent's session last looked, and while it lasts that
 * rebuilds are paused or that a build is on trial. Where it looked last is
 * kept in the user's own runtime or cache directory, a file per agent; where nothing has
 * been built since, that costs two small reads and no libgit2.
 */
#include "base/strbuf.h"
#include "settings/settings.h"

/*
 * Adds at most ten lines; nothing where there is nothing to tell, nothing can be read, or
 * the session looks for the first time and nothing was built since it began.
 */
void news_put(struct strbuf *out, const struct settings *settings, const char *agent,
	time_t session_began);
