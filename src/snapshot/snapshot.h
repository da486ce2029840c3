#pragma once
/*
 * A git tree of the configuration's content, as Nix will read it, stored whole in the
 * ledger (objects are copied, never borrowed: the record outlives rebase, gc and rm).
 *
 * What Nix will read: of a git flake the tracked files with the bytes they have on disk
 * (equal to "git add -u && git write-tree" without filters), of a pinned flake that
 * commit, else every file (in a checkout without those that .gitignore hides). The
 * reader, a worker with a deadline, reads them and sends what it has read (sender.h).
 */
#include "ledger/objects.h"
#include "rebuild/configuration.h"

struct snapshot {
	git_oid tree;
	git_oid commit;    /* HEAD; zero: there is none */
	char *subject;     /* of its message; NULL: there is none */
	git_oid committed; /* if the state is dirty: its tree, also stored; else zero */
	enum config_state state;
	size_t left_out;  /* files that are not in it */
	char *untracked;  /* new files that a flake will not see, in words; NULL: none */
	char *unfinished; /* "merge", "rebase" ... that is going on; NULL: nothing */
	char *left_out_example; /* NULL when nothing was left out */
};

/*
 * Afterwards ledger finds the snapshot's objects: with keep they are written to disk,
 * else kept in memory (see objects.h). Prints and returns -1 if no snapshot could be
 * taken.
 */
int snapshot_take(struct snapshot *ret, const struct configuration *configuration,
	const struct settings *settings, struct ledger *ledger, bool keep) _must_check_;
void snapshot_free(struct snapshot *snapshot);
#define _cleanup_snapshot_ _cleanup_(snapshot_free)

/* Warns of missing and untracked files, and of an unfinished merge. */
void snapshot_say_remarks(const struct snapshot *snapshot);
