#pragma once
/*
 * How the reader of a configuration passes on what it has read: it sends objects over the
 * worker's socket to the process that may write to the ledger. That one hashes them again
 * and keeps those that the ledger lacks.
 */
#include "base/worker.h"
#include "ledger/objects.h"

/* In the reader: sends data as an object; *ret is its id. -1 (printed) on error. */
int send_object(struct worker *worker, const void *data, size_t len, git_object_t type,
	git_oid *ret) _must_check_;
/* Copies a commit's tree (a pinned flake's, or HEAD's beside a dirty one) from the user's
 * repository: the record must survive git gc there. */
int send_commit(struct worker *worker, git_repository *repository,
	const git_oid *tree) _must_check_;
/* Whether the ledger has it. */
bool receiver_has(struct worker *worker, const git_oid *id);

/* In the parent, for struct worker_job. */
int receive_object(unsigned type, const char *frame, size_t len, struct strbuf *reply,
	struct objects *objects) _must_check_;
