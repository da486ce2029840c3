#pragma once
/*
 * Writing objects into the ledger. Objects are collected in memory and written by
 * objects_flush(), all synced to disk before it returns: a few as loose files, many as
 * one pack (a pack per build would make look-ups slow as the ledger grows). Only what the
 * ledger lacks is written. Needs no lock: git never depends on the order in which objects
 * appear.
 */
#include <git2.h>

#include "base/macro.h"

struct objects;

int objects_new(struct objects **ret, const char *ledger_path) _must_check_;
void objects_free(struct objects *objects);

/* The id that data has as an object, and a promise that the flush writes it. */
int objects_add(struct objects *objects, const void *data, size_t len, git_object_t type,
	git_oid *ret) _must_check_;
bool objects_have(struct objects *objects, const git_oid *id);
int objects_flush(struct objects *objects) _must_check_;

static inline void objects_cleanup(struct objects **objects)
{
	objects_free(*objects);
}
#define _cleanup_objects_ _cleanup_(objects_cleanup)
