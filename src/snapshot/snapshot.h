#pragma once
/*
 * A git tree of the configuration's content, as Nix will read it, stored whole in the
 * ledger (objects are copied, never borrowed: the record outlives rebase, gc and rm).
 *
 * What Nix will read: of a git flake the tracked files with the bytes they have on disk
 * (equal to "git add -u && git write-tree" without filters), of a pinned flake that
 * commit, else every file, of which .gitignore hides some in a checkout. Read by a worker
 * with a deadline, the reader, which sends what it has read (sender.h).
 */
#include "ledger/objects.h"
#include "rebuild/configuration.h"

struct snapshot {
	git_oid tree;
	git_oid commit;    /* HEAD; zero where there is none */
	char *subject;     /* of its message; NULL: there is none */
	git_oid committed; /* its tree, stored too, where the state is dirty; else zero */
	enum config_state state;
	size_t left_out;  /* files that are not in it */
	char *untracked;  /* files beside tracked ones that a flake will not see, in words
			   */
	char *unfinished; /* "merge", "rebase" ... that is going on; NULL: nothing */
	char *left_out_example; /* NULL when nothing was left out */
};

/*
 * Both store the snapshot's objects where ledger's handle finds them: to be recorded, or
 * only to be looked at (see objects.h). Print and return -1 where none could be taken.
 */
int snapshot_take(struct snapshot *ret, const struct configuration *configuration,
	const struct settings *settings, struct ledger *ledger) _must_check_;
int snapshot_look(struct snapshot *ret, const struct configuration *configuration,
	const struct settings *settings, struct ledger *ledger) _must_check_;
void snapshot_free(struct snapshot *snapshot);
#define _cleanup_snapshot_ _cleanup_(snapshot_free)

/* Warns of what the one who builds should know about it. */
void snapshot_say_remarks(const struct snapshot *snapshot);
