#include "ledger/loose.h"

#include <errno.h>
#include <fcntl.h>
#include <git2/sys/odb_backend.h>
#include <sys/stat.h>
#define ZLIB_CONST
#include <zlib.h>
#if __has_include(<git2/sys/errors.h>) /* libgit2 1.8 has moved git_error_set() */
#include <git2/sys/errors.h>
#endif

#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "base/worker.h"
#include "ledger/ledger.h"

/* Above all others, so that it is asked first. */
#define PRIORITY 9999
/* "commit 83886080" and its NUL are 16 bytes. */
#define HEADER_SIZE 32
/* No snapshot has a larger one, because a reader's frame cannot hold it. */
#define OBJECT_MAX WORKER_FRAME_MAX

struct loose {
	git_odb_backend parent; /* first: libgit2 knows it by this address */
	char *ledger_path;
	bool writes;
};

struct object {
	char *path;
	git_object_t type;
	char *whole;  /* its header and its content */
	uid_t writer; /* file_writer() */
	size_t header_len;
	size_t len; /* of the content */
};

static void object_cleanup(struct object *object)
{
	free(object->path);
	free(object->whole);
}

static char *object_path(const char *ledger_path, const git_oid *id)
{
	const char *name = git_oid_tostr_s(id);

	return xasprintf("%s/objects/%.2s/%s", ledger_path, name, name + 2);
}

/* Returns how many bytes came out, at most room; is_whole: whether those are all. */
static size_t inflate_into(
	char *buffer, size_t room, const char *raw, size_t raw_len, bool *is_whole)
{
	z_stream stream = {.next_in = (const Bytef *)raw,
		.avail_in = (uInt)raw_len,
		.next_out = (Bytef *)buffer,
		.avail_out = (uInt)room};

	*is_whole = false;
	if (inflateInit(&stream) != Z_OK)
		return 0;
	*is_whole = inflate(&stream, Z_FINISH) == Z_STREAM_END && !stream.avail_in;
	inflateEnd(&stream);
	return stream.total_out;
}

/* "TYPE LENGTH", with its NUL. */
static bool parse_header(struct object *object, char *header, size_t len)
{
	char *space = memchr(header, ' ', len);
	uint64_t content_len;

	if (!space || !memchr(header, '\0', len))
		return false;
	object->header_len = strlen(header) + 1;
	*space = '\0';
	object->type = git_object_string2type(header);
	if (!text_to_number(space + 1, OBJECT_MAX, &content_len))
		return false;
	object->len = content_len;
	return git_object_typeisloose(object->type);
}

static bool unpack(struct object *ret, const char *raw, size_t raw_len)
{
	char header[HEADER_SIZE];
	bool is_whole;
	size_t room = inflate_into(header, sizeof(header), raw, raw_len, &is_whole);

	if (!parse_header(ret, header, room))
		return false;
	/* One byte more, to detect content that is too long. */
	room = ret->header_len + ret->len + 1;
	ret->whole = xcalloc(1, room);
	return inflate_into(ret->whole, room, raw, raw_len, &is_whole) == room - 1 &&
	       is_whole;
}

static bool is_what_its_name_says(const struct object *object, const git_oid *id)
{
	git_oid found;

	return git_odb_hash(&found, object->whole + object->header_len, object->len,
		       object->type) == 0 &&
	       git_oid_equal(&found, id);
}

/* GIT_ENOTFOUND: no such file; GIT_EMISMATCH: one that is damaged. */
static int load(struct object *ret, const char *ledger_path, const git_oid *id)
{
	const char *path = ret->path = object_path(ledger_path, id);
	_cleanup_close_ int fd =
		open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_free_ char *raw = NULL;
	struct stat status;
	size_t raw_len;

	if (fd < 0 && errno == ENOENT)
		return GIT_ENOTFOUND;
	/* It is in the way of our object. root's files and ours must not be lost, even if
	 * they cannot be read. */
	if (lstat(path, &status) == 0 &&
		(!S_ISREG(status.st_mode) || (fd < 0 && file_is_shut(path, &status)))) {
		if (remove(path) == 0)
			warn("removed '%s' from the ledger: it does not belong there",
				path);
		return GIT_ENOTFOUND;
	}
	if (fd < 0 || read_to_end(fd, OBJECT_MAX, &raw, &raw_len) < 0) {
		git_error_set(
			GIT_ERROR_ODB, "cannot read '%s': %s", path, strerror(errno));
		return GIT_ERROR;
	}
	ret->writer = fstat(fd, &status) < 0 ? (uid_t)-1 : file_writer(&status);
	if (unpack(ret, raw, raw_len) && is_what_its_name_says(ret, id))
		return 0;
	git_error_set(GIT_ERROR_ODB, "'%s' is damaged", path);
	return GIT_EMISMATCH;
}

static int read_object(void **data, size_t *len, git_object_t *type,
	git_odb_backend *backend, const git_oid *id)
{
	_cleanup_(object_cleanup) struct object object = {0};
	int result = load(&object, ((struct loose *)backend)->ledger_path, id);

	if (result < 0)
		return result;
	*data = git_odb_backend_data_alloc(backend, object.len + 1);
	if (!*data)
		return GIT_ERROR;
	memcpy(*data, object.whole + object.header_len, object.len + 1);
	*len = object.len;
	*type = object.type;
	return 0;
}

static int read_header(
	size_t *len, git_object_t *type, git_odb_backend *backend, const git_oid *id)
{
	_cleanup_(object_cleanup) struct object object = {0};
	int result = load(&object, ((struct loose *)backend)->ledger_path, id);

	*len = object.len;
	*type = object.type;
	return result;
}

/* Called before an object is written: if a damaged one stayed, libgit2 would not write it
 * again. GIT_ENOTFOUND: libgit2 asks its own backends whether it is there. */
static int make_way(git_odb_backend *backend, const git_oid *id)
{
	_cleanup_(object_cleanup) struct object object = {0};

	if (load(&object, ((struct loose *)backend)->ledger_path, id) == GIT_EMISMATCH &&
		unlink(object.path) == 0)
		warn("removed '%s' from the ledger because it was damaged; writing it "
		     "again",
			object.path);
	return GIT_ENOTFOUND;
}

static int has_object(git_odb_backend *backend, const git_oid *id)
{
	if (((const struct loose *)backend)->writes)
		(void)make_way(backend, id);
	return 0;
}

static void free_backend(git_odb_backend *backend)
{
	free(((struct loose *)backend)->ledger_path);
	free(backend);
}

int loose_add(git_odb *odb, const char *ledger_path, bool writes)
{
	struct loose *loose = xcalloc(1, sizeof(*loose));

	git_odb_init_backend(&loose->parent, GIT_ODB_BACKEND_VERSION);
	loose->parent.read = read_object;
	loose->parent.read_header = read_header;
	loose->parent.exists = has_object;
	loose->parent.freshen = make_way;
	loose->parent.free = free_backend;
	loose->ledger_path = xstrdup(ledger_path);
	loose->writes = writes;
	if (git_odb_add_backend(odb, &loose->parent, PRIORITY) < 0) {
		free_backend(&loose->parent);
		return -1;
	}
	return 0;
}

bool ledger_owner_of(uid_t *ret, const struct ledger *ledger, const git_oid *id)
{
	_cleanup_(object_cleanup) struct object object = {0};

	if (load(&object, ledger->path, id) < 0)
		return false;
	*ret = object.writer;
	return *ret != (uid_t)-1;
}
