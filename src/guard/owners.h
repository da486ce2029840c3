#pragma once
/*
 * Whose work a loss is: every build since the common ancestor that changed the path on
 * the way to what is live has its part in it.
 */
#include "guard/losses.h"
#include "ledger/builds.h"

struct owner {
	char *agent;    /* the newest that is not the caller; else the caller */
	uint64_t build; /* that one's build */
	bool is_foreign;
};

/* One owner for each loss; ret has room for them. */
int owners_find(struct owner *ret, const struct losses *losses, struct ledger *ledger,
	const struct build *live, const char *caller) _must_check_;
void owners_free(struct owner *owners, size_t len);
