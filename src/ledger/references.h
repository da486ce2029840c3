#pragma once
/*
 * The ledger's references, and the lock under which they move: a flock on
 * STATE/ledger.lock. The file has a mark in it while a writer is at work, so a writer
 * that finds one knows that the last one was killed. git itself (gc, pack-refs) may
 * change the references at the same time: we wait for its locks.
 *
 * All functions that can fail print and return -1.
 */
#include "ledger/ledger.h"

/* The names of all references. The caller frees. */
#define REF_CHAIN "refs/heads/builds"
#define REF_AGENTS "refs/agents/"
#define REF_BRIDGES "refs/bridges/"
#define REF_RUNNING "refs/running/"
#define REF_REFUSED "refs/refused"
char *ref_of_running(uint64_t number) _must_check_;
char *ref_of_agent(const char *target, const char *agent) _must_check_;

/* group: of a lock file that must be made; -1: the directory's. Closing unlocks. */
int ledger_lock(const struct ledger *ledger, gid_t group) _must_check_;
/* The same, with the mark. Removes what a member of the group or a killed writer may have
 * left in the way. Release it with ledger_unlock(). */
int ledger_lock_to_write(struct ledger *ledger) _must_check_;
void ledger_unlock(int *fd);
#define _cleanup_ledger_lock_ _cleanup_(ledger_unlock)

/* With the lock. 1 if the reference exists and force is false. */
int reference_make(struct ledger *ledger, const char *name, const git_oid *commit,
	bool force) _must_check_;
int reference_set(
	struct ledger *ledger, const char *name, const git_oid *commit) _must_check_;
int reference_remove(struct ledger *ledger, const char *name) _must_check_;
