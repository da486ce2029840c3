#pragma once
/*
 * What was live on a target, as a chain of steps, oldest first: builds that became live,
 * and rollbacks with the trees that they went back to.
 */
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
