#pragma once
/* How callers name things. */
#include "ledger/builds.h"

/*
 * A build: 43, last, live, @AGENT, gen:142, a store path. Prints and returns -1 where
 * there is none of that name or the ledger cannot be read.
 */
int build_by_name(struct build *ret, struct ledger *ledger,
	const struct settings *settings, const char *text) _must_check_;

/*
 * A path of the configuration, relative to its root: from where the caller stands, or
 * absolute; "" for the root itself. One that lies elsewhere is taken as it stands. The
 * caller frees.
 */
char *path_in_configuration(const char *root, const char *word) _must_check_;
