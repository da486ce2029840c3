#pragma once
/*
 * What a hook remembers between two calls, in the user's own cache or runtime directory:
 * where a session looked last, which configurations are known. Small texts; if they are
 * lost, the same is looked up, or told, again.
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

/*
 * The directories of the configurations that the newest builds were made of: a hook notes
 * edits of their files alone. They are remembered together with the newest build, so that
 * an edit elsewhere costs three small reads and no libgit2.
 */
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
