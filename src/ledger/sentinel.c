#include "ledger/sentinel.h"

#include <git2/sys/odb_backend.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/message.h"

/* Above all others, so that it is asked first. */
#define PRIORITY 9999

struct sentinel {
	git_odb_backend parent; /* first: libgit2 knows it by this address */
	char *objects;          /* the directory */
};

/* It has no objects itself. */
static int look(git_odb_backend *backend, const git_oid *id)
{
	const struct sentinel *sentinel = (const struct sentinel *)backend;
	char name[OID_TEXT_SIZE];
	_cleanup_free_ char *path = NULL;
	struct stat status;

	oid_text(name, id);
	path = xasprintf("%s/%.2s/%s", sentinel->objects, name, name + 2);
	if (lstat(path, &status) == 0 && !S_ISREG(status.st_mode) && unlink(path) == 0)
		warn("removed '%s' from the ledger: it was not a file", path);
	return GIT_ENOTFOUND;
}

static int read_object(void **data, size_t *len, git_object_t *type,
	git_odb_backend *backend, const git_oid *id)
{
	(void)data;
	(void)len;
	(void)type;
	return look(backend, id);
}

static int read_header(
	size_t *len, git_object_t *type, git_odb_backend *backend, const git_oid *id)
{
	(void)len;
	(void)type;
	return look(backend, id);
}

static int has_object(git_odb_backend *backend, const git_oid *id)
{
	(void)look(backend, id);
	return 0;
}

static void free_sentinel(git_odb_backend *backend)
{
	free(((struct sentinel *)backend)->objects);
	free(backend);
}

int sentinel_add(git_odb *odb, const char *ledger_path)
{
	struct sentinel *sentinel = xcalloc(1, sizeof(*sentinel));

	git_odb_init_backend(&sentinel->parent, GIT_ODB_BACKEND_VERSION);
	sentinel->parent.read = read_object;
	sentinel->parent.read_header = read_header;
	sentinel->parent.exists = has_object;
	sentinel->parent.free = free_sentinel;
	sentinel->objects = xasprintf("%s/objects", ledger_path);
	if (git_odb_add_backend(odb, &sentinel->parent, PRIORITY) < 0) {
		free_sentinel(&sentinel->parent);
		return -1;
	}
	return 0;
}
