#pragma once
/*
 * What a hook remembers from call to call, in the user's own cache or runtime directory:
 * what a session saw last, and which configurations are known. These are small texts; if
 * one is lost, the same is looked up or told again.
 */
#include "settings/settings.h"

/* The path of the text of this name (agents' names do not begin with a dot). NULL if the
 * user has no directory for it. The caller frees. */
char *mark_path(const char *name) _must_check_;
/* Its content; NULL: none. The caller frees. */
char *mark_read(const char *path) _must_check_;
/* Writes it, with the rights that the process had before it lowered them. */
void mark_keep(const char *path, const char *text);

/* The commit of the newest build, read without libgit2; NULL: not known. The caller
 * frees. */
char *mark_read_tip(const struct settings *settings) _must_check_;

/*
 * The configuration directories of the newest builds: a hook notes only edits below them.
 * They are remembered together with the newest build, so that an edit elsewhere costs a
 * few small reads and no libgit2.
 */
struct known {
	char *path;  /* where this is remembered; NULL: nowhere */
	char *tip;   /* the newest build; NULL: not known */
	char *lines; /* the newest build then, and the directories; NULL: nothing yet */
};

/* Reads what is remembered. It needs the user's own rights. */
void known_read(struct known *ret, const struct settings *settings);
/* Reads the ledger if there are newer builds. Lower the rights before this. */
void known_update(struct known *known, const struct settings *settings);
bool known_has(const struct known *known, const char *path);
void known_free(struct known *known);
#define _cleanup_known_ _cleanup_(known_free)
