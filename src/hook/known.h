#pragma once
/*
 * The directories of the configurations that the newest builds were made of: a hook notes
 * edits of their files alone. They are remembered together with the newest build, so that
 * an edit elsewhere costs three small reads and no libgit2.
 */
#include "settings/settings.h"

struct known {
	char *path;  /* of what is remembered; NULL: it cannot be */
	char *tip;   /* the newest build; NULL: not known */
	char *lines; /* the build that it holds for, and directories; NULL: nothing yet */
};

/* What is remembered, with the user's own rights... */
void known_read(struct known *ret, const struct settings *settings);
/* ... and what is in the ledger, with lowered ones, if that is newer. */
void known_update(struct known *known, const struct settings *settings);
bool known_has(const struct known *known, const char *path);
void known_free(struct known *known);
#define _cleanup_known_ _cleanup_(known_free)
