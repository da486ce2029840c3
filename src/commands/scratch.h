#pragma once
/*
 * A throw-away repository for a snapshot that is to be looked at and not recorded: it
 * borrows the ledger's objects, holds what they lack, and is deleted at the end. So
 * "diff" needs no permission to write to the ledger.
 */
#include "ledger/ledger.h"

struct scratch {
	pid_t sweeper; /* removes it when we are gone, however that comes about */
	int pipe;
	char *path; /* of the repository; NULL: none */
};

/* Makes it, and lets ledger's handle read what it will hold. Prints and returns -1. */
int scratch_make(struct scratch *ret, struct ledger *ledger) _must_check_;
void scratch_remove(struct scratch *scratch);
#define _cleanup_scratch_ _cleanup_(scratch_remove)
