#pragma once
/*
 * Where the objects of a snapshot go. Kept, they are collected in memory and written into
 * the ledger by objects_flush(), all synced to disk before it returns: a few as loose
 * files, many as one pack (a pack per build would make look-ups slow as the ledger
 * grows). Only what the ledger lacks is written. Needs no lock: git never depends on the
 * order in which objects appear.
 *
 * Not kept, they are there for those who read through this handle of the ledger, as long
 * as that is open, and never reach the disk: looking needs no permission to write.
 */
#include "ledger/ledger.h"

struct objects;

int objects_new(struct objects **ret, struct ledger *ledger, bool keep) _must_check_;
void objects_free(struct objects *objects);

int objects_add(struct objects *objects, const void *data, size_t len,
	git_object_t type) _must_check_;
bool objects_have(struct objects *objects, const git_oid *id);
int objects_flush(struct objects *objects) _must_check_;

static inline void objects_cleanup(struct objects **objects)
{
	objects_free(*objects);
}
#define _cleanup_objects_ _cleanup_(objects_cleanup)
