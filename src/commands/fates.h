#pragma once
/*
 * What later builds have done to one: rolled back, or undone by one that was allowed to.
 *
 *	struct fates fates;
 *	fates_begin(&fates, ledger, settings);
 *	while (builds_next(&build, &walk) > 0)
 *		fate = fates_find(&fates, &build);
 */
#include <jansson.h>

#include "base/strbuf.h"
#include "base/strv.h"
#include "ledger/lineage.h"
#include "settings/settings.h"

struct fates {
	struct lineage lineage; /* of the system */
	struct allowed {
		struct strv numbers, by; /* of builds, and by which build */
	} undone, redone;                /* whose work was allowed to go, to come back */
	struct allowed taken;            /* what rollbacks say that they took out */
};

struct fate {
	bool is_out; /* rolled back, and not live since */
	uint64_t by; /* the build that took it out or undid it; 0: none, or outside */
};

/* Prints and returns -1 where the ledger cannot be read. */
int fates_begin(struct fates *ret, struct ledger *ledger,
	const struct settings *settings) _must_check_;
/* To be called for the builds one by one, newest first. */
struct fate fates_find(struct fates *fates, const struct build *build);
void fates_free(struct fates *fates);
#define _cleanup_fates_ _cleanup_(fates_free)

/* "; rolled back by build 44"; nothing where nothing was done to it. */
void fate_put(struct strbuf *out, const struct fate *fate);
void fate_put_json(json_t *object, const struct fate *fate);
