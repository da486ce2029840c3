#include "ledger/objects.h"

#include <git2/sys/mempack.h>
#include <git2/sys/odb_backend.h>

#include "base/memory.h"
#include "ledger/loose.h"

/* From this many objects on, one pack is better than loose files. */
#define PACK_FROM 200
/* Above libgit2's own backends (loose 1, packed 2), so that writes go to this one. */
#define STAGING_PRIORITY 999

struct objects {
	bool keep;
	char *pack_path;
	git_repository *staging; /* the ledger with a memory backend in front */
	git_odb *staging_odb;
	git_odb *ledger_odb;
	git_oid *ids; /* so far only in staging */
	size_t len;
};

int objects_new(struct objects **ret, struct ledger *ledger, bool keep)
{
	_cleanup_objects_ struct objects *objects = xcalloc(1, sizeof(*objects));
	_cleanup_free_ char *objects_path = xasprintf("%s/objects", ledger->path);
	git_odb_backend *memory = NULL;

	objects->keep = keep;
	objects->pack_path = xasprintf("%s/pack", objects_path);
	if ((keep && (git_repository_open_bare(&objects->staging, ledger->path) < 0 ||
			     git_odb_open(&objects->ledger_odb, objects_path) < 0 ||
			     loose_add(objects->ledger_odb, ledger->path, true) < 0)) ||
		git_repository_odb(&objects->staging_odb,
			keep ? objects->staging : ledger->repository) < 0 ||
		(keep && loose_add(objects->staging_odb, ledger->path, true) < 0) ||
		git_mempack_new(&memory) < 0)
		return git_failed("cannot open the ledger '%s'", ledger->path);
	if (git_odb_add_backend(objects->staging_odb, memory, STAGING_PRIORITY) < 0) {
		memory->free(memory);
		return git_failed("cannot open the ledger '%s'", ledger->path);
	}
	*ret = TAKE_PTR(objects);
	return 0;
}

void objects_free(struct objects *objects)
{
	if (!objects)
		return;
	git_odb_free(objects->ledger_odb);
	git_odb_free(objects->staging_odb);
	git_repository_free(objects->staging);
	free(objects->pack_path);
	free(objects->ids);
	free(objects);
}

bool objects_have(struct objects *objects, const git_oid *id)
{
	return git_odb_exists_ext(objects->staging_odb, id, GIT_ODB_LOOKUP_NO_REFRESH) ==
	       1;
}

int objects_add(struct objects *objects, const void *data, size_t len, git_object_t type)
{
	git_oid id;

	if (git_odb_hash(&id, data, len, type) < 0)
		return git_failed("cannot hash an object");
	if (objects_have(objects, &id))
		return 0;
	if (git_odb_write(&id, objects->staging_odb, data, len, type) < 0)
		return git_failed("cannot store an object in memory");
	*list_add(objects->ids, objects->len) = id;
	return 0;
}

static int flush_loose(struct objects *objects)
{
	for (size_t i = 0; i < objects->len; i++) {
		_cleanup_git_(odb_object) git_odb_object *object = NULL;
		git_oid written;

		if (git_odb_read(&object, objects->staging_odb, &objects->ids[i]) < 0 ||
			git_odb_write(&written, objects->ledger_odb,
				git_odb_object_data(object), git_odb_object_size(object),
				git_odb_object_type(object)) < 0)
			return git_failed("cannot write to the ledger");
	}
	return 0;
}

static int flush_pack(struct objects *objects)
{
	_cleanup_git_(packbuilder) git_packbuilder *pack = NULL;

	if (git_packbuilder_new(&pack, objects->staging) < 0)
		return git_failed("cannot write to the ledger");
	git_packbuilder_set_threads(pack, 0); /* as many as there are processors */
	for (size_t i = 0; i < objects->len; i++)
		if (git_packbuilder_insert(pack, &objects->ids[i], NULL) < 0)
			return git_failed("cannot write to the ledger");
	if (git_packbuilder_write(pack, objects->pack_path, 0, NULL, NULL) < 0)
		return git_failed("cannot write to the ledger");
	return 0;
}

int objects_flush(struct objects *objects)
{
	int result = !objects->keep             ? 0
		     : objects->len < PACK_FROM ? flush_loose(objects)
						: flush_pack(objects);

	objects->len = 0;
	return result;
}
