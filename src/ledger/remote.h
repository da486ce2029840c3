#pragma once
/*
 * The ledger's objects for a worker, which has no descriptors of the ledger and needs no
 * right to open it: the worker asks for each object over its socket. There are only
 * objects, no references.
 */
#include "base/worker.h"
#include "ledger/ledger.h"

/* The frame that asks for an object. */
#define FRAME_READ (WORKER_FRAMES + 200)

/* In the worker: a repository of these objects; those of others may be added to it. */
int remote_open(git_repository **ret, struct worker *worker) _must_check_;

/* In the parent, for FRAME_READ: puts the object into reply, or nothing if it is missing.
 */
void remote_serve(
	struct strbuf *reply, const char *frame, size_t len, struct ledger *ledger);
