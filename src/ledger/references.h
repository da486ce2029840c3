#pragma once
/*
 * The ledger's references, and the lock under which they move: a flock on
 * STATE/ledger.lock, in which a writer leaves a mark until it is through, so that the
 * next one knows what a killed one left. git itself may work on the references at the
 * same time (gc, pack-refs): its locks are waited for.
 *
 * All functions print and return -1 where they fail.
 */
#include "ledger/ledger.h"

/* How the references are laid out, in one place. The caller frees. */
#define REF_CHAIN "refs/heads/builds"
#define REF_AGENTS "refs/agents/"
#define REF_BRIDGES "refs/bridges/"
#define REF_RUNNING "refs/running/"
#define REF_REFUSED "refs/refused"
char *ref_of_running(uint64_t number) _must_check_;
char *ref_of_agent(const char *target, const char *agent) _must_check_;

/* group: of a lock file that has to be made; -1: it stays as it is. Closing lets go. */
int ledger_lock(const struct ledger *ledger, gid_t group) _must_check_;
/* The same with the mark, to be let go by ledger_unlock(): nothing that a member of the
 * group or a killed writer may have left is in the way. */
int ledger_lock_to_write(struct ledger *ledger) _must_check_;
void ledger_unlock(int *fd);
#define _cleanup_ledger_lock_ _cleanup_(ledger_unlock)

/* With the lock. 1 where there is one already and force is not given. */
int reference_make(struct ledger *ledger, const char *name, const git_oid *commit,
	bool force) _must_check_;
int reference_set(
	struct ledger *ledger, const char *name, const git_oid *commit) _must_check_;
int reference_remove(struct ledger *ledger, const char *name) _must_check_;
