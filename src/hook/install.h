#pragma once
/*
 * Puts our hooks into the settings files that agents read, and takes them out again. All
 * else in such a file stays, and it is replaced as a whole or not at all. A file that is
 * a link (home-manager links into the Nix store) or not plain JSON is left alone; a
 * message says what to do.
 */
#include <jansson.h>
#include <sys/types.h>

#include "base/strbuf.h"
#include "hook/vendors.h"

/* The agent's settings file at that place; NULL: none. The caller frees. */
char *install_path(const struct vendor *vendor, enum install_place place) _must_check_;

struct installation {
	const char *path;   /* the caller's */
	char *after;        /* the file's new content; "": remove it */
	struct strbuf diff; /* what that changes; empty: nothing */
};

/*
 * Works out how to put our hooks into the file, or with remove to take them out. Prints
 * and returns -1 if that cannot be done.
 */
int install_prepare(struct installation *ret, const struct vendor *vendor,
	const char *path, bool remove) _must_check_;
/* mask: the umask for directories that have to be made. */
int install_write(const struct installation *installation, mode_t mask) _must_check_;
void installation_free(struct installation *installation);
#define _cleanup_installation_ _cleanup_(installation_free)

/* Whether the hook runs "safe-rebuild hook AGENT", by whichever path and however that is
 * quoted, with whatever before and behind it. */
bool install_is_ours(const json_t *hook, const char *agent);
/* The same of a command alone. */
bool install_is_our_command(const char *command, const char *agent);
