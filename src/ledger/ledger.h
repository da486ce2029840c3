#pragma once
/*
 * The ledger: a bare git repository in which every build is one commit, its tree the
 * snapshot and its message the record. Plain git reads it:
 *
 *	refs/heads/builds          the chain of all builds whose outcome is known
 *	refs/agents/TARGET/AGENT   each agent's last build
 *	refs/bridges/ID            earlier last builds that a broken chain does not reach
 *	refs/running/N             a build whose outcome is not known yet
 *	refs/refused               the chain of refused calls, which are not builds
 *
 * Numbers are given and references move under a lock (references.h); objects are written
 * before that. A number is never given twice: the highest one is that of a running build
 * or a log, or stands in the tip of the chain (Numbers-Given).
 *
 * Group members may write only below objects/ and refs/. What root's git obeys (config,
 * hooks, info/attributes) only root and the system user may change.
 */
#include "ledger/git.h"
#include "record/build.h"
#include "settings/sharing.h"

struct ledger {
	git_repository *repository;
	char *path, *lock_path, *log_path;
};

/*
 * For reading: *ret is NULL if nothing has ever been recorded. Prints and returns -1 if
 * it cannot be read.
 */
int ledger_open(struct ledger **ret, const struct settings *settings) _must_check_;
/* For recording: made where it is missing and we are root. */
int ledger_make(const struct settings *settings) _must_check_;
int ledger_open_to_record(
	struct ledger **ret, const struct settings *settings) _must_check_;
void ledger_free(struct ledger *ledger);

static inline void ledger_cleanup(struct ledger **ledger)
{
	ledger_free(*ledger);
}
#define _cleanup_ledger_ _cleanup_(ledger_cleanup)

/* Whether root may rely on a record: it is root's or the system user's, or nothing is
 * shared. No member can choose who owns an object's file. */
bool ledger_vouches(
	const struct ledger *ledger, const struct settings *settings, const git_oid *id);
/*
 * The only user who can have written the object: the owner of the open file that was read
 * (a path could name another file a moment later). false: the object is packed, missing
 * or damaged, or others can write to its file.
 */
bool ledger_owner_of(uid_t *ret, const struct ledger *ledger, const git_oid *id);
/* Whether the object is there. */
bool ledger_has(const struct ledger *ledger, const git_oid *id);

/* The id at path in a tree; zero if there is nothing. */
int ledger_path_id(git_oid *ret, const struct ledger *ledger, const git_oid *tree,
	const char *path) _must_check_;

/* The path of the ledger's repository. The caller frees. */
char *ledger_path(const struct settings *settings) _must_check_;
