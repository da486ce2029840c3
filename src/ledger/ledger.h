#pragma once
/*
 * The ledger: a bare git repository in which every build is one commit, its tree the
 * snapshot and its message the record. Plain git reads it:
 *
 *	refs/heads/builds          the chain of all builds whose outcome is known
 *	refs/agents/TARGET/AGENT   each agent's last build
 *	refs/running/N             a build whose outcome is not known yet
 *	refs/refused               the chain of calls that were refused: no builds
 *
 * Numbers are given and refs move under a flock on STATE/ledger.lock, in which a writer
 * leaves a mark until it is through; objects are written
 * before. Each function that changes the ledger is complete on disk when it returns, and
 *a crash at any point leaves the ledger as it was before or as it is after. A number is
 *never given twice: the highest one is that of a running build or stands in the tip of
 *the chain (Numbers-Given).
 *
 * Group members may write below objects/ and refs/ only: configuration that root's git
 *obeys (config, hooks, info/attributes) is root's alone.
 */
#include "ledger/git.h"
#include "record/build.h"
#include "settings/sharing.h"

/* How the references are laid out, in one place. The caller frees. */
#define REF_CHAIN "refs/heads/builds"
#define REF_RUNNING "refs/running/"
#define REF_REFUSED "refs/refused"
char *ref_of_running(uint64_t number) _must_check_;
char *ref_of_agent(const char *target, const char *agent) _must_check_;

struct ledger {
	git_repository *repository;
	char *path;
	char *lock_path;
	/* When a writer began that did not come to its end; 0: the last one did. */
	int64_t cut_off_ns;
};

/*
 * For reading: *ret is NULL where nothing has ever been recorded. Prints and returns -1
 * where it cannot be read.
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

/* Whether the object is there. */
bool ledger_has(const struct ledger *ledger, const git_oid *id);

/* The id at path in a tree; zero where there is nothing. */
int ledger_path_id(git_oid *ret, const struct ledger *ledger, const git_oid *tree,
	const char *path) _must_check_;

/* The path of the ledger's repository. The caller frees. */
char *ledger_path(const struct settings *settings) _must_check_;

/*
 * Gives the build its number and records that it runs: all that it has, with its tree
 * where it has a snapshot.
 */
int ledger_begin(struct ledger *ledger, struct build *build) _must_check_;

/*
 * Records how a begun build ended: it joins the chain and becomes its agent's last one. A
 * build that is in the chain already stays as it is.
 */
int ledger_finish(struct ledger *ledger, struct build *build) _must_check_;

/*
 * Records a call that was refused. Agents repeat theirs: the same one again, next after
 * itself, is not recorded twice.
 */
int ledger_note_refusal(struct ledger *ledger, const struct build *call);

/* Moves a reference, outside of those above, to an object that has been written. */
int ledger_point(struct ledger *ledger, const char *reference, const git_oid *id);

/* The agent's last build is from now on this one of another. */
int ledger_join(struct ledger *ledger, const char *target, const char *agent,
	const git_oid *commit) _must_check_;

/* The highest number given so far. */
int ledger_highest_number(struct ledger *ledger, uint64_t *ret) _must_check_;
