#pragma once
/*
 * Removes files that do not belong in the ledger: what a member may have put in the place
 * of a reference or a pack, and what a killed writer has left.
 */
#include "ledger/ledger.h"

/*
 * libgit2 would wait forever on a FIFO, follow a link, read all of a huge reference, and
 * look for objects wherever objects/info/alternates says. Removes such files with a
 * warning; -1 (printed) if it cannot.
 */
int ledger_remove_traps(const struct ledger *ledger) _must_check_;

/*
 * Removes git's locks of references if they were made after since_ns (by the clock of
 * file times) and do not go away: a living git removes its own within a moment. The
 * caller has the ledger's lock.
 */
void ledger_remove_locks(const struct ledger *ledger, int64_t since_ns);

/* Removes unfinished objects that are too old for anybody to be writing them still. */
void ledger_remove_unfinished_objects(const struct ledger *ledger);
