#include "snapshot/sender.h"

#include "base/message.h"

/* Frames: an object (plus libgit2's type); the question whether the ledger has one. */
#define FRAME_OBJECT WORKER_FRAMES
#define FRAME_HAVE (FRAME_OBJECT + 100)
/* No files on disk are deeper: a path has at most 4096 bytes (PATH_MAX). */
#define DEPTH_MAX 2048u

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

static int send_copy(struct worker *worker, git_odb *from, const git_oid *id)
{
	_cleanup_git_(odb_object) git_odb_object *object = NULL;
	git_oid copy;

	if (git_odb_read(&object, from, id) < 0)
		return git_failed("cannot read the commit's files");
	return send_object(worker, git_odb_object_data(object),
		git_odb_object_size(object), git_odb_object_type(object), &copy);
}

static int copy_tree(struct worker *worker, git_repository *repository, git_odb *from,
	const git_oid *id, unsigned depth)
{
	_cleanup_git_(tree) git_tree *tree = NULL;

	if (depth > DEPTH_MAX)
		return error(
			"the commit has directories more than %u levels deep", DEPTH_MAX);
	if (receiver_has(worker, id))
		return 0;
	if (git_tree_lookup(&tree, repository, id) < 0)
		return git_failed("cannot read the commit's files");
	for (size_t i = 0; i < git_tree_entrycount(tree); i++) {
		const git_tree_entry *entry = git_tree_entry_byindex(tree, i);
		git_object_t type = git_tree_entry_type(entry);
		int result = 0;

		if (type == GIT_OBJECT_TREE)
			result = copy_tree(worker, repository, from,
				git_tree_entry_id(entry), depth + 1);
		else if (type == GIT_OBJECT_BLOB &&
			 !receiver_has(worker, git_tree_entry_id(entry)))
			result = send_copy(worker, from, git_tree_entry_id(entry));
		if (result < 0)
			return -1;
	}
	return send_copy(worker, from, id);
}

int send_commit(struct worker *worker, git_repository *repository, const git_oid *tree)
{
	_cleanup_git_(odb) git_odb *odb = NULL;

	if (git_repository_odb(&odb, repository) < 0)
		return git_failed("cannot read the repository");
	return copy_tree(worker, repository, odb, tree, 0);
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
