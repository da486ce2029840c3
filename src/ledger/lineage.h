#pragma once
/*
 * What is live now, and what was live and has been taken out again: by a rollback, or by
 * somebody who went back outside safe-rebuild.
 *
 *	struct lineage lineage;
 *	lineage_begin(&lineage, ledger, target, profile);
 *	while (builds_next(&build, &walk) > 0)
 *		switch (lineage_look(&lineage, &build)) ...
 */
#include "ledger/builds.h"

struct lineage {
	struct ledger *ledger;
	char *resumed;     /* the system that was gone back to; builds after it are out */
	uint64_t rollback; /* which build did; 0: it was done outside */
	struct build newer; /* the last that was looked at and is live; number 0: none */
};

enum standing {
	STANDING_NONE, /* it made nothing live */
	STANDING_LIVE, /* its work is part of what is live, or was replaced by later work
			*/
	STANDING_OUT,  /* .rollback has taken it out; a rollback: it holds no more */
};

/*
 * profile: the system that boots next, NULL: not known. The system's target. Returns 1
 * where somebody went back to it outside safe-rebuild, else 0; prints and returns -1
 * where the ledger cannot be read.
 */
int lineage_begin(struct lineage *ret, struct ledger *ledger, const char *target,
	const char *profile) _must_check_;
/* To be called for the target's builds one by one, newest first. */
enum standing lineage_look(struct lineage *lineage, const struct build *build);
void lineage_free(struct lineage *lineage);

/* Whether the newer build found what the older one had left, as far as that is known. */
bool build_follows(const struct build *newer, const struct build *older);
#define _cleanup_lineage_ _cleanup_(lineage_free)
