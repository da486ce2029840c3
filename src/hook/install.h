#pragma once
/*
 * Our hooks in the settings files that agents read. Everything else in such a file stays;
 * it is replaced as a whole or not at all, and what was installed can be taken out again.
 * A file that is a link (into the Nix store, as home-manager makes them) or no plain JSON
 * is left alone, with a line that says what to do.
 */
#include "base/strbuf.h"
#include "base/strv.h"

enum install_place { PLACE_USER, PLACE_PROJECT, PLACE_MANAGED, PLACE_LOCAL };

/* The agents, as `agents --install` names them; NULL-terminated. */
extern const char *const install_agents[];

/* The file of the agent's settings at that place; NULL: it has none there. The caller
 * frees. */
char *install_path(const char *agent, enum install_place place) _must_check_;

/* 1: by the file the agent asks our hook before it runs a command, 0: it does not, -1
 * (printed) where the file cannot be read. */
int install_is_done(const char *agent, const char *path);

/*
 * Puts our hooks into the file, or with remove takes them out; *diff is filled with what
 * that changes, empty: nothing. Prints and returns -1 where
 * it cannot be done.
 */
int install(struct strbuf *diff, const char *agent, const char *path,
	bool remove) _must_check_;

/* opencode has no hooks but plugins: this is ours. */
extern const char install_opencode_plugin[];
