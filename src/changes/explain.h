#pragma once
/*
 * Explains changes: which commits each build and the caller bring, and for each path
 * whether it is committed, when it was saved or who edited it, and whether it changes
 * what somebody else has built.
 */
#include "changes/changes.h"
#include "changes/edits.h"
#include "rebuild/configuration.h"
#include "snapshot/snapshot.h"

/* Fills in the commits and notes of changes; what cannot be found is left out. */
void changes_explain(struct changes *changes, struct ledger *ledger,
	const struct configuration *configuration, const struct snapshot *snapshot,
	const struct edits *edits);
