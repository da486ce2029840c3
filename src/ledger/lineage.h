#pragma once
/*
 * Which builds are live now, and which were live and have been taken out: by a rollback,
 * or by somebody who went back to an older system outside safe-rebuild.
 *
 *	struct lineage lineage;
 *	lineage_begin(&lineage, ledger, target, profile);
 *	while (builds_next(&build, &walk) > 0)
 *		switch (lineage_look(&lineage, &build)) ...
 */
#include "ledger/builds.h"

struct lineage {
	struct ledger *ledger;
	char *resumed;     /* the system that was brought back; builds after it are out */
	uint64_t rollback; /* the build that brought it back; 0: it was done outside */
	struct build newer; /* the last live one that was looked at; number 0: none */
	char *live;         /* the system of the first live one; NULL: none yet */
};

enum standing {
	STANDING_NONE, /* it made nothing live */
	STANDING_LIVE, /* its work is live, or was replaced by later work */
	STANDING_OUT,  /* .rollback took it out; a rollback: it was itself undone */
};

/*
 * profile: the target's system that boots next; NULL: not known. Returns 1 if somebody
 * went back to it outside safe-rebuild, else 0; prints and returns -1 if the ledger
 * cannot be read.
 */
int lineage_begin(struct lineage *ret, struct ledger *ledger, const char *target,
	const char *profile) _must_check_;
/* Call this for each of the target's builds, newest first. */
enum standing lineage_look(struct lineage *lineage, const struct build *build);
void lineage_free(struct lineage *lineage);

/* Whether the newer build found the system that the older one left; true if unknown. */
bool build_follows(const struct build *newer, const struct build *older);
#define _cleanup_lineage_ _cleanup_(lineage_free)
