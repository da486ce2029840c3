#include "snapshot/sender.h"

#include "base/message.h"

/* Frames: an object (plus libgit2's type); the question whether the ledger has one. */
#define FRAME_OBJECT WORKER_FRAMES
#define FRAME_HAVE (FRAME_OBJECT + 100)

int send_object(struct worker *worker, const void *data, size_t len, git_object_t type,
	git_oid *ret)
{
	if (git_odb_hash(ret, data, len, type) < 0)
		return git_failed("cannot hash an object");
	worker_send(worker, FRAME_OBJECT + (unsigned)type, data, len);
	return 0;
}

bool receiver_has(struct worker *worker, const git_oid *id)
{
	_cleanup_strbuf_ struct strbuf reply = STRBUF_INIT;

	worker_ask(worker, FRAME_HAVE, id->id, GIT_OID_RAWSZ, &reply);
	return streq(reply.text, "yes");
}

int receive_object(unsigned type, const char *frame, size_t len, struct strbuf *reply,
	struct objects *objects)
{
	git_oid id;

	switch (type) {
	case FRAME_OBJECT + GIT_OBJECT_BLOB:
	case FRAME_OBJECT + GIT_OBJECT_TREE:
		return objects_add(objects, frame, len,
			type == FRAME_OBJECT + GIT_OBJECT_BLOB ? GIT_OBJECT_BLOB
							       : GIT_OBJECT_TREE);
	case FRAME_HAVE:
		if (len != GIT_OID_RAWSZ)
			break;
		git_oid_fromraw(&id, (const unsigned char *)frame);
		strbuf_puts(reply, objects_have(objects, &id) ? "yes" : "no");
		return 0;
	}
	return error("reading the configuration: the reader sent something unreadable");
}
