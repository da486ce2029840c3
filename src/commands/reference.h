#pragma once
/* A build as the user names it: 43, last, live, @AGENT, gen:142, a store path. */
#include "ledger/builds.h"

/* Prints and returns -1 where there is no such build or the ledger cannot be read. */
int reference_find(struct build *ret, struct ledger *ledger,
	const struct settings *settings, const char *text) _must_check_;

/* The ledger for a command that needs one: prints and returns NULL where there is none.
 */
struct ledger *reference_ledger(const struct settings *settings) _must_check_;
