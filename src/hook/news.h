#pragma once
/*
 * What others have built since an agent's session last looked, and what holds now: a
 * pause, a trial, a running build. The last look is remembered for each agent (mark.h).
 * If nothing was built since, looking costs a few small reads and no libgit2.
 */
#include "base/strbuf.h"
#include "settings/settings.h"

/*
 * Adds at most ten lines, and none if there is nothing to tell or to read. A session that
 * looks for the first time is told what was built since it began.
 */
void news_put(struct strbuf *out, const struct settings *settings, const char *agent,
	time_t session_began);
