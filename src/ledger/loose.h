#pragma once
/*
 * Reads the ledger's loose objects instead of libgit2, and trusts none of them: a member
 * of the group may have put anything there, and a disk may have lost a part. libgit2
 * waits forever on a FIFO, never finishes inflating a truncated object (its issue 7342),
 * and writes past the end of its memory if a header claims less than follows (7177).
 *
 * What is not a file, or is a member's that we cannot read, is removed with a warning. An
 * object that does not match its name cannot be read; before we write that object, we
 * remove the file.
 */
#include "ledger/git.h"

/* Adds this reader to odb; with writes, damaged objects that are about to be written are
 * removed. -1 with libgit2's error set. */
int loose_add(git_odb *odb, const char *ledger_path, bool writes) _must_check_;
