#include "ledger/remote.h"

#include <git2/sys/odb_backend.h>
#include <git2/sys/repository.h>

#include "base/memory.h"

/* Asked before the user's objects, which are added later. */
#define PRIORITY 10

struct backend {
	git_odb_backend parent; /* first: libgit2 knows it by this address */
	struct worker *worker;
};

/* 0: reply is the object's type in one byte, then its data. */
static int ask(struct strbuf *reply, git_odb_backend *backend, const git_oid *id)
{
	struct worker *worker = ((struct backend *)backend)->worker;

	worker_ask(worker, FRAME_READ, id->id, GIT_OID_RAWSZ, reply);
	return reply->len ? 0 : GIT_ENOTFOUND;
}

static int read_object(void **ret, size_t *ret_len, git_object_t *ret_type,
	git_odb_backend *backend, const git_oid *id)
{
	_cleanup_strbuf_ struct strbuf reply = STRBUF_INIT;
	int result = ask(&reply, backend, id);

	if (result < 0)
		return result;
	*ret_len = reply.len - 1;
	*ret_type = (git_object_t)reply.text[0];
	*ret = git_odb_backend_data_alloc(backend, reply.len);
	if (!*ret)
		return GIT_ERROR;
	memcpy(*ret, reply.text + 1, reply.len);
	return 0;
}

static int has_object(git_odb_backend *backend, const git_oid *id)
{
	_cleanup_strbuf_ struct strbuf reply = STRBUF_INIT;

	return ask(&reply, backend, id) == 0;
}

static void free_backend(git_odb_backend *backend)
{
	free(backend);
}

int remote_open(git_repository **ret, struct worker *worker)
{
	struct backend *backend = xcalloc(1, sizeof(*backend));
	_cleanup_git_(odb) git_odb *odb = NULL;

	git_odb_init_backend(&backend->parent, GIT_ODB_BACKEND_VERSION);
	backend->parent.read = read_object;
	backend->parent.exists = has_object;
	backend->parent.free = free_backend;
	backend->worker = worker;
	if (git_odb_new(&odb) < 0 ||
		git_odb_add_backend(odb, &backend->parent, PRIORITY) < 0) {
		free(backend);
		return git_failed("cannot read the ledger");
	}
	return git_repository_wrap_odb(ret, odb) < 0
		       ? git_failed("cannot read the ledger")
		       : 0;
}

void remote_serve(
	struct strbuf *reply, const char *frame, size_t len, struct ledger *ledger)
{
	_cleanup_git_(odb) git_odb *odb = NULL;
	_cleanup_git_(odb_object) git_odb_object *object = NULL;
	git_oid id;

	if (len != GIT_OID_RAWSZ)
		return;
	git_oid_fromraw(&id, (const unsigned char *)frame);
	if (git_repository_odb(&odb, ledger->repository) < 0 ||
		git_odb_read(&object, odb, &id) < 0)
		return;
	strbuf_putc(reply, (char)git_odb_object_type(object));
	strbuf_add(reply, git_odb_object_data(object), git_odb_object_size(object));
}
