#pragma once
/*
 * How the reader of a configuration hands over what it has read: objects go over the
 * worker's socket to the process that may write into the ledger, which hashes them again
 * and keeps what it lacks.
 */
#include "base/worker.h"
#include "ledger/objects.h"

/* In the reader: the id that data has as an object; it is sent. -1 printed. */
int send_object(struct worker *worker, const void *data, size_t len, git_object_t type,
	git_oid *ret) _must_check_;
/* Whether the ledger has it. */
bool receiver_has(struct worker *worker, const git_oid *id);

/* In the parent, for struct worker_job. */
int receive_object(unsigned type, const char *frame, size_t len, struct strbuf *reply,
	struct objects *objects) _must_check_;
