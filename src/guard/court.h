#pragma once
/*
 * A case as the worker hears it: what differs, whose it is, and what the user's
 * repository and the agents' hooks say about it. The rule decides on each difference.
 */
#include "changes/edits.h"
#include "guard/history.h"
#include "guard/judge.h"

/* What the build that was asked about last had uncommitted. */
struct drafts {
	git_oid tree, config_tree; /* the build's */
	struct path_changes changes;
};

struct court {
	struct case_at_hand *hand;
	git_repository *repository; /* the ledger's objects, and those of checkouts */
	struct history history;
	struct items items;
	struct edits edits;
	struct drafts drafts; /* trees zero: nothing was asked yet */
	git_oid live;         /* tree; zero: not known */
	bool is_elsewhere;
};

/* Finds the items and decides on each. Prints and returns -1 if that cannot be done. */
int court_decide(struct court *court) _must_check_;
void court_free(struct court *court);
#define _cleanup_court_ _cleanup_(court_free)
