#pragma once
/*
 * Our hooks in the settings files that agents read. Everything else in such a file stays;
 * it is replaced as a whole or not at all, and what was installed can be taken out again.
 * A file that is a link (into the Nix store, as home-manager makes them) or no plain JSON
 * is left alone, with a line that says what to do.
 */
#include <jansson.h>

#include "base/strbuf.h"
#include "hook/vendors.h"

/* The file of the agent's settings at that place; NULL: it has none there. The caller
 * frees. */
char *install_path(const struct vendor *vendor, enum install_place place) _must_check_;

struct installation {
	const char *path;   /* the caller's */
	char *after;        /* what the file is to hold; "": it is not to be there */
	struct strbuf diff; /* what that changes; empty: nothing */
};

/*
 * Works out how to put our hooks into the file, or with remove to take them out. Prints
 * and returns -1 if that cannot be done.
 */
int install_prepare(struct installation *ret, const struct vendor *vendor,
	const char *path, bool remove) _must_check_;
int install_write(const struct installation *installation) _must_check_;
void installation_free(struct installation *installation);
#define _cleanup_installation_ _cleanup_(installation_free)

/* opencode has no hooks but plugins: this is ours. */
extern const char install_opencode_plugin[];

/* Whether it runs "safe-rebuild hook AGENT", also by a path. */
bool install_is_ours(const json_t *hook, const char *agent);
