#pragma once
/*
 * Builds that a report has no room for, counted by agent.
 */
#include "changes/changes.h"

struct totals {
	struct total {
		const char *agent; /* the build's, which must live as long */
		size_t builds, failed, files;
	} * list; /* in the order in which the agents were added */
	size_t len;
};

void totals_add(struct totals *totals, const struct foreign_build *foreign);
/* A line for each of the first agents ("gamma: 31 earlier builds, 3 failed, 12 files"),
 * and one for all others together. */
void totals_describe(struct strv *ret, const struct totals *totals);
void totals_free(struct totals *totals);
#define _cleanup_totals_ _cleanup_(totals_free)
