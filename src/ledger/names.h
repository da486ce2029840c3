#pragma once
/* How callers name builds. */
#include "ledger/builds.h"

/*
 * A build: 43, last, live, @AGENT, gen:142, a store path. Prints and returns -1 where
 * there is none of that name or the ledger cannot be read.
 */
int build_by_name(struct build *ret, struct ledger *ledger,
	const struct settings *settings, const char *text) _must_check_;
