#pragma once
/*
 * The ledger's objects in a worker, which has neither its descriptors nor, some day, the
 * right to open it: each is asked for over the worker's socket. Only objects are there,
 * no references.
 */
#include "base/worker.h"
#include "ledger/ledger.h"

/* The frame that asks for an object. */
#define FRAME_READ (WORKER_FRAMES + 200)

/* In the worker: a repository of these objects, to which others' may be added. */
int remote_open(git_repository **ret, struct worker *worker) _must_check_;

/* In the parent, for a FRAME_READ: puts the object into reply, nothing where there is
 * none.
 */
void remote_serve(
	struct strbuf *reply, const char *frame, size_t len, struct ledger *ledger);
