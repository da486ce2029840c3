#pragma once
/*
 * flake.lock in words. Its format (version 7): of the object "nodes", the node that
 * "root" names is the flake itself. Each node may have "inputs", and "locked" with "rev",
 * "lastModified" (epoch seconds) and "narHash" (nix flake --help, LOCK FILES). An input's
 * name is its path from the root. What cannot be parsed has no inputs.
 */
#include <time.h>

#include "base/strv.h"
#include "ledger/git.h"

struct lock_input {
	char *name;
	char *id;        /* tells versions apart: rev, narHash or "follows INPUT" */
	time_t modified; /* 0: not known */
};

struct lock_file {
	struct lock_input *inputs; /* by name */
	size_t len;
};

/* blob NULL: there is no such file. */
void lock_file_parse(struct lock_file *ret, const git_blob *blob);
void lock_file_free(struct lock_file *file);
#define _cleanup_lock_file_ _cleanup_(lock_file_free)

const struct lock_input *lock_file_find(const struct lock_file *file, const char *name);
bool lock_input_equals(const struct lock_input *a, const struct lock_input *b);

/* Whether a path is a flake's lock file. */
bool is_lock_file(const char *path);

/* "nixpkgs 2026-11-01 -> 2026-11-20" or "added home-manager 2026-11-02". One of the two
 * may be NULL. The caller frees. */
char *lock_input_describe(
	const struct lock_input *old, const struct lock_input *new) _must_check_;

/* All differences, separated by "; "; NULL if there are none. The caller frees. */
char *lock_file_describe(
	const struct lock_file *old, const struct lock_file *new) _must_check_;
