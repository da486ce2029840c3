#pragma once
/*
 * Whether a snapshot contains what is live. B is the common ancestor of the live
 * configuration L and the caller's M; merging L into M must not change M. What L has
 * changed since B and M lacks is a loss, unless a commit between B and the caller's HEAD
 * had it: then a later one has taken it back on purpose.
 *
 * Ledger and the repositories are read together, through a handle of its own (libgit2
 * would not write an object that it finds in an alternate), in a worker.
 */
#include "guard/losses.h"
#include "settings/settings.h"

enum ancestor {
	ANCESTOR_COMMON, /* the merge base of live commit and HEAD */
	ANCESTOR_BUILD,  /* a build whose commit HEAD has: live commit unknown, shallow */
	ANCESTOR_OWN,    /* the caller's own last build */
	ANCESTOR_NONE,   /* nothing to judge by */
};

struct comparison {
	const struct settings *settings;
	const char *target;
	const char *root;    /* the caller's checkout; NULL: no git */
	git_oid head;        /* zero: no commit yet */
	git_oid mine;        /* the snapshot */
	git_oid live_commit; /* zero: none */
	git_oid live;        /* tree; zero: that of live_commit, from the checkout */
	bool live_is_dirty;
	const char *live_root; /* the checkout that live was made in; NULL: gone */
	bool live_is_partial; /* files were left out of it: what it lacks means nothing */
	bool from_elsewhere;  /* live was built in another working directory */
	git_oid own;          /* tree of the caller's last build; zero: none */
};

struct verdict {
	enum ancestor ancestor;
	uint64_t ancestor_build; /* for ANCESTOR_BUILD */
	bool live_is_known;      /* the live commit is in the caller's repository */
	struct losses losses;
};

/* Whether [guard] ignore has the path. */
bool compare_ignores(const struct settings *settings, const char *path);

/* Prints and returns -1 where it cannot be judged for a technical reason. */
int compare_with_live(
	struct verdict *ret, const struct comparison *comparison) _must_check_;
