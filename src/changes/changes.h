#pragma once
/*
 * What has changed since the caller's own last build (the base), told by author. The
 * total difference is base's tree against the snapshot; each path of it belongs to the
 * oldest build since base whose entry equals the snapshot's, else it is not built yet.
 *
 * An agent without a build is compared with what was live when its session began, so that
 * what happened while it was reading and editing is not hidden.
 */
#include "caller/caller.h"
#include "changes/commits.h"
#include "changes/tree_diff.h"
#include "ledger/builds.h"

enum base_kind {
	BASE_NONE,   /* nothing recorded that could be compared with */
	BASE_OWN,    /* the caller's last build */
	BASE_LIVE,   /* what was live when the caller's session began */
	BASE_OLDEST, /* the session is older than the ledger */
	BASE_GIVEN,  /* asked for by name */
};

/* A build since base and the paths that came with it. */
struct foreign_build {
	struct build build;
	size_t *paths; /* indices into changes.total */
	size_t len;
	struct strv absent;         /* if len is 0: paths in which it and the newest build
				       differ from mine */
	struct commit_step commits; /* those that came with it; see explain.h */
};

struct changes {
	enum base_kind base_kind;
	struct build base;
	struct path_changes total;
	struct foreign_build *foreign; /* oldest first */
	size_t foreign_len;
	struct builds unseen; /* ... without a snapshot; newest first */
	size_t *fresh;        /* indices into total: not built yet */
	size_t fresh_len;
	struct commit_step fresh_commits;
	char **notes; /* on each of total, or NULL; NULL: not explained */
};

/* Finds the base of caller on target. Prints and returns -1 where the ledger is
 * unreadable. */
int changes_find_base(struct changes *ret, struct ledger *ledger,
	const struct caller *caller, const char *target) _must_check_;

/* Fills in the rest for a snapshot, once ret->base and base_kind are set. */
int changes_compute(struct changes *ret, struct ledger *ledger, const char *target,
	const git_oid *snapshot) _must_check_;

/* Whether mine lacks nothing that others built and has nothing new. */
bool changes_are_none(const struct changes *changes);

/* Whether path is one of the paths, or in a directory among them; "" is all. */
bool path_is_below(const char *path, char *const *paths, size_t len);

/* Keeps only what is one of the paths or lies below one. */
void changes_limit(struct changes *changes, char *const *paths, size_t len);

/* Whether the path is in the base, which is another's, and merely not here. */
bool change_is_absence(const struct changes *changes, const struct path_change *change);
void changes_free(struct changes *changes);
#define _cleanup_changes_ _cleanup_(changes_free)
