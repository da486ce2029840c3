#pragma once
/*
 * Which step of the chain made each difference: the newest step that has a line more
 * often than the step before brought it, and the newest that has it less often took it
 * out. If builds just before that step had the line without becoming live, the first of
 * them brought it.
 */
#include "guard/chain.h"
#include "guard/items.h"

/*
 * Finds each item's owner, the step that a rollback took it out of, and (is_fresh)
 * whether a lost one is in a path of which mine has lines that others than agent built
 * later.
 */
int chain_attribute(const struct chain *chain, struct items *items,
	git_repository *repository, const char *agent) _must_check_;
