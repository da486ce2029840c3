#pragma once
/*
 * Where the objects of a snapshot go. With keep, they are collected in memory, and
 * objects_flush() writes those that the ledger lacks and syncs them to disk: a few as
 * loose files, many as one pack (a pack for every build would make look-ups slow). No
 * lock is needed: git does not depend on the order in which objects appear.
 *
 * Without keep, they can be read through this handle of the ledger until it is closed,
 * and never reach the disk: looking needs no permission to write.
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
