#pragma once
/*
 * What was live on a target, as a chain of steps, oldest first: builds that became live,
 * and rollbacks with the trees that they went back to. The chain tells which step made a
 * difference: the newest step that has a line more often than the step before brought it,
 * and the newest that has it less often took it out. If builds just before that step
 * had the line without becoming live, the first of them brought it.
 */
#include "guard/items.h"
#include "ledger/builds.h"

struct step {
	struct build build;
	git_oid tree;
	bool is_rollback;
	struct builds failed; /* since the step before, not live here; newest first */
};

struct chain {
	struct step *list;
	size_t len;
	bool is_cut; /* there may be older steps */
};

/*
 * The chain of the build's target that ends with the build. Empty if the build has no
 * tree and did not go back to a build that has one.
 */
int chain_load(
	struct chain *ret, struct ledger *ledger, const struct build *last) _must_check_;
/* The newest build of the target that became live, even if it is not live now. */
int chain_find_newest(
	struct build *ret, struct ledger *ledger, const char *target) _must_check_;
/* Adds a step that is not a build: only its tree counts. */
struct step *chain_add(struct chain *chain, const git_oid *tree);
void chain_free(struct chain *chain);

/*
 * Finds each item's owner, the step that a rollback took it out of, and (is_fresh)
 * whether a lost one is in a path of which mine has lines that others than agent built
 * later.
 */
int chain_attribute(const struct chain *chain, struct items *items,
	git_repository *repository, const char *agent) _must_check_;
