#include "snapshot/taking.h"

#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "base/memory.h"
#include "snapshot/stub.h"

/* A configuration is text: only a mistake reaches these limits. */
#define FILES_MAX 200000
#define BYTES_MAX ((uint64_t)1 << 30)
#define FILE_MAX ((uint64_t)64 << 20)

int taking_leave_out(struct taking *taking, const char *path, const char *why)
{
	if (!taking->left_out.len)
		taking->left_out_example = xasprintf("%s: %s", path, why);
	strv_add(&taking->left_out, path);
	return 0;
}

bool taking_is_full(const struct taking *taking)
{
	return taking->entries.len >= FILES_MAX || taking->bytes >= BYTES_MAX;
}

static int add_blob(struct taking *taking, const char *path, uint32_t mode,
	const void *data, size_t len, const struct file_stat *stat)
{
	git_oid id;

	if (send_object(taking->worker, data, len, GIT_OBJECT_BLOB, &id) < 0)
		return -1;
	entries_add(&taking->entries, path, mode, &id, stat);
	return 0;
}

/* nix-build and nixos-rebuild leave links to what they have built. */
static bool is_result(const char *path, const char *target)
{
	const char *name = basename(path);

	return (streq(name, "result") || starts_with(name, "result-")) &&
	       starts_with(target, "/nix/store/");
}

/* Swap, backup and lock files of editors: "x~", "#x#", ".#x", ".x.swp". */
static bool is_editors(const char *path)
{
	const char *name = basename(path), *end = name + strlen(name);

	return ends_with(name, "~") || starts_with(name, ".#") ||
	       (*name == '#' && ends_with(name, "#")) ||
	       (*name == '.' && end - name > 4 && starts_with(end - 4, ".sw"));
}

static int add_link(struct taking *taking, const char *path, const struct file_stat *stat)
{
	_cleanup_close_ int fd = open_beneath(taking->root_fd, path, O_PATH);
	_cleanup_free_ char *target = fd < 0 ? NULL : read_link_at(fd, "");

	if (!target)
		return taking_leave_out(taking, path, strerror(errno));
	if (taking->with_untracked && is_result(path, target))
		return 0;
	return add_blob(taking, path, GIT_FILEMODE_LINK, target, strlen(target), stat);
}

static int add_stub(struct taking *taking, const char *path, uint32_t mode,
	const struct stat *status, const struct file_stat *stat)
{
	_cleanup_free_ char *text =
		stub_text((uint64_t)status->st_size, status->st_mtime);

	return add_blob(taking, path, mode, text, strlen(text), stat);
}

static int add_content(struct taking *taking, const char *path, uint32_t mode)
{
	/* O_NONBLOCK: it may have become a FIFO meanwhile. */
	_cleanup_close_ int fd =
		open_beneath(taking->root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	_cleanup_free_ char *data = NULL;
	struct file_stat stat;
	struct stat status;
	size_t len;

	if (fd < 0 || fstat(fd, &status) < 0)
		return taking_leave_out(taking, path, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return taking_leave_out(taking, path, "not a regular file");
	if (read_to_end(fd, FILE_MAX, &data, &len) < 0)
		return taking_leave_out(taking, path, strerror(errno));
	taking->bytes += len;
	stat = file_stat_of(&status);
	return add_blob(taking, path, mode, data, len, &stat);
}

bool taking_is_stubbed(
	const struct taking *taking, bool hidden, uint64_t size, uint32_t mode)
{
	return taking->stubs && (hidden || size > UNSTUBBED_MAX || !(mode & S_IROTH));
}

int taking_add_file(struct taking *taking, const char *path, const struct stat *status)
{
	const struct file_stat stat = file_stat_of(status);
	const git_oid *known;
	uint32_t mode;

	if (taking->with_untracked && is_editors(path))
		return 0;
	if (taking_is_full(taking))
		return taking_leave_out(taking, path, "the snapshot is full");
	if (S_ISLNK(status->st_mode))
		mode = GIT_FILEMODE_LINK;
	else if (S_ISREG(status->st_mode))
		mode = status->st_mode & S_IXUSR ? GIT_FILEMODE_BLOB_EXECUTABLE
						 : GIT_FILEMODE_BLOB;
	else
		return taking_leave_out(taking, path, "not a regular file");
	known = stat_cache_find(taking->cache, path, &stat);
	if (known) {
		entries_add(&taking->entries, path, mode, known, &stat);
		return 0;
	}
	if (mode == GIT_FILEMODE_LINK)
		return add_link(taking, path, &stat);
	if (taking_is_stubbed(
		    taking, taking->hidden, (uint64_t)status->st_size, status->st_mode))
		return add_stub(taking, path, mode, status, &stat);
	return add_content(taking, path, mode);
}

void taking_add_submodule(struct taking *taking, const char *path, const git_oid *commit)
{
	stat_cache_compare(taking->cache, path, commit);
	entries_add(&taking->entries, path, GIT_FILEMODE_COMMIT, commit, NULL);
}
