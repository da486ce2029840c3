#pragma once
/*
 * The chain of what was live on a target, oldest step first: the builds that became live,
 * and the rollbacks with the tree that they went back to. And by which step each
 * difference came about: a line was brought by the newest step that has it more often
 * than the one before, and was taken out by the newest one that has it less often. Of
 * what failed in between, the first record that has a line has brought it.
 */
#include "guard/items.h"
#include "ledger/builds.h"

struct step {
	struct build build;
	git_oid tree;
	bool is_rollback;
	struct builds failed; /* recorded since the step before, oldest first */
};

struct chain {
	struct step *list;
	size_t len;
	bool is_cut; /* older steps are not in it */
};

/*
 * The chain that ends in this build, of its target. Empty where the build has no tree and
 * is no rollback to one that has.
 */
int chain_load(
	struct chain *ret, struct ledger *ledger, const struct build *last) _must_check_;
/* The newest build of the target that became live, whatever happened since. */
int chain_find_newest(
	struct build *ret, struct ledger *ledger, const char *target) _must_check_;
/* One step more, for what is no build: only its tree counts. */
void chain_add(struct chain *chain, const git_oid *tree);
void chain_free(struct chain *chain);

/*
 * Finds each item's owner, what a rollback took out of whose, and which lost ones are of
 * a path that mine has as others left it later (is_fresh): of others means of not agent.
 */
int chain_attribute(const struct chain *chain, struct items *items,
	git_repository *repository, const char *agent) _must_check_;
