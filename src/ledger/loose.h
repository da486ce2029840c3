#pragma once
/*
 * Reads the ledger's loose objects in libgit2's place, and believes none of them: a
 * member of the group may have put anything there, and a disk may have lost a part.
 * libgit2 waits for ever for a FIFO, inflates for ever what is cut short (its issue 7342)
 * and writes past the end of its memory where a header claims less than follows (7177).
 *
 * What is no file is removed, and said. What is not what its name says cannot be read;
 * who is about to write that very object removes it first.
 */
#include "ledger/git.h"

/*
 * Who alone wrote the object: the owner of the file whose very content it is, for another
 * could be put in its place between two looks. false: it is packed, or is not there.
 */
bool loose_writer(uid_t *ret, const char *ledger_path, const git_oid *id);

/* -1 with libgit2's error set. */
int loose_add(git_odb *odb, const char *ledger_path) _must_check_;
/* The same for one who has in hand what it asks for: what is damaged is not there. */
int loose_add_to_write(git_odb *odb, const char *ledger_path) _must_check_;
