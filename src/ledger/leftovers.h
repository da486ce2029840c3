#pragma once
/*
 * Files in the ledger that safe-rebuild does not leave there: what a member may have
 * put in a reference's or a pack's place, and git's locks of a writer that was killed.
 */
#include "ledger/ledger.h"

/*
 * libgit2 would wait for ever for a FIFO, follow a link, read a huge reference whole and
 * look for objects wherever the alternates say. Such a file is removed, and
 * said; -1 (printed) where that is not possible.
 */
int ledger_remove_traps(const struct ledger *ledger) _must_check_;

/*
 * Removes the locks of references that were made since then (on the clock of files) and
 * stay: a living git's own are gone in a moment. For one who has the ledger's lock.
 */
void ledger_remove_locks(const struct ledger *ledger, int64_t since_ns);

/* Removes half written objects that are so old that nobody is at work on them. */
void ledger_remove_unfinished_objects(const struct ledger *ledger);
