#pragma once
/*
 * What a hook remembers between two calls, in the user's own cache or runtime directory:
 * where a session looked last, which configurations are known. Small texts; without them
 * the same is found out, or told, again.
 */
#include "settings/settings.h"

/* Where the text of this name is; an agent's name begins with no dot. NULL where the user
 * has no directory for such things. The caller frees. */
char *mark_path(const char *name) _must_check_;
/* What it says; NULL: nothing. The caller frees. */
char *mark_read(const char *path) _must_check_;
/* With the rights that the caller had before they were lowered. */
void mark_keep(const char *path, const char *text);

/* The commit of the newest build, without libgit2; NULL where that is not known. The
 * caller frees. */
char *mark_read_tip(const struct settings *settings) _must_check_;
