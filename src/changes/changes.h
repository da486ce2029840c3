#pragma once
/*
 * What has changed since the caller's own last build (the base), by author. The total
 * is the difference from the base's tree to the snapshot. Each of its paths belongs to
 * the oldest build since the base that has it as the snapshot does; a path of which there
 * is no such build is not built yet.
 *
 * An agent without a build is compared with what was live when its session began: so it
 * also sees what happened while it was reading and editing.
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
	BASE_GIVEN,  /* named by the caller; may be anybody's build */
};

/* A build since base and the paths that came with it. */
struct foreign_build {
	struct build build;
	size_t *paths; /* indices into changes.total */
	size_t len;
	struct strv absent;         /* if len is 0: paths that it changed, that mine has
				       as the base had them, and the newest has not */
	struct commit_step commits; /* those that came with it; see explain.h */
};

struct changes {
	enum base_kind base_kind;
	struct build base;
	struct path_changes total;
	struct foreign_build *foreign; /* oldest first */
	size_t foreign_len;
	struct builds unseen; /* ... without a snapshot; newest first */
	/* The last build before a base that came to nothing: what mine has as it had. */
	struct foreign_build restored;
	size_t *fresh; /* indices into total: not built yet */
	size_t fresh_len;
	struct commit_step fresh_commits;
	char **notes; /* on each of total, or NULL; NULL: not explained */
};

/* Finds the caller's base on the target. Prints and returns -1 if the ledger cannot be
 * read. */
int changes_find_base(struct changes *ret, struct ledger *ledger,
	const struct caller *caller, const char *target) _must_check_;

/* The oldest build of the target that has a snapshot: 1; 0: there is none; -1 (printed).
 */
int changes_find_oldest(
	struct build *ret, struct ledger *ledger, const char *target) _must_check_;

/* Compares a snapshot with ret->base, which must be set, as base_kind must. */
int changes_compute(struct changes *ret, struct ledger *ledger, const char *target,
	const git_oid *snapshot) _must_check_;

/* Whether there is nothing to report: mine is as the base, lacks nothing that others
 * built, and all their builds have snapshots. */
bool changes_are_none(const struct changes *changes);

/* Whether path is one of the paths or lies below one; everything lies below "". */
bool path_is_below(const char *path, char *const *paths, size_t len);

/* Keeps only changes to these paths and to what lies below them. */
void changes_limit(struct changes *changes, char *const *paths, size_t len);

/* Whether mine merely lacks a path of the base, which need not be the caller's build: the
 * caller may never have had it. */
bool change_is_absence(const struct changes *changes, const struct path_change *change);
void changes_free(struct changes *changes);
#define _cleanup_changes_ _cleanup_(changes_free)
