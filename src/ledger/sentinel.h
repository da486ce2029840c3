#pragma once
/*
 * Stands before the ledger's objects: what a group member has put in an object's place
 * and is no file (libgit2 would wait for ever for a FIFO) is removed, and said, before
 * libgit2 opens it.
 */
#include "ledger/git.h"

/* -1 with libgit2's error set. */
int sentinel_add(git_odb *odb, const char *ledger_path) _must_check_;
