#include "ledger/permissions.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/xattr.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"

/* git renames over what another has written, so these cannot be sticky. */
#define MEMBERS_MODE 02770

static const struct {
	const char *name;
	mode_t mode;
} entries[] = {{"objects", 03770}, {"objects/info", 02750}, {"refs", MEMBERS_MODE},
	{"hooks", 0750}, {"info", 0750}, {"info/exclude", 0640},
	{"hooks/README.sample", 0640}, {"config", 0640}, {"HEAD", 0640},
	{"description", 0640}, {".", 02750}};

/* What is shared below them: in each directory those that members make there. */
static const char *const shared[] = {"refs/heads", "refs/tags", "refs/running",
	"refs/agents", "refs/bridges", "objects/pack"};

struct place {
	const struct sharing *sharing;
	const char *path; /* of the ledger */
	int top;
};

static bool is_ours(const struct place *place, const struct stat *status)
{
	return status->st_uid == 0 || status->st_uid == place->sharing->user;
}

static bool is_open(const struct place *place, int fd, const struct stat *status)
{
	return S_ISDIR(status->st_mode) && status->st_gid == place->sharing->group &&
	       (status->st_mode & MEMBERS_MODE) == MEMBERS_MODE &&
	       fgetxattr(fd, "system.posix_acl_access", NULL, 0) < 0;
}

/* What cannot be shared, and keeps others from its place. */
static void set_aside(const struct place *place, const char *name)
{
	static unsigned count;
	const char *slash = strrchr(name, '/');
	_cleanup_free_ char *parent = xstrndup(name, (size_t)(slash - name));
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *aside =
		xasprintf("%s.shut.%d.%u", place->path, (int)getpid(), ++count);

	/* Beneath a directory that may be a link by now nothing is moved. */
	fd = open_beneath(place->top, parent, O_PATH | O_DIRECTORY);
	if (fd >= 0 && renameat(fd, slash + 1, AT_FDCWD, aside) == 0)
		warn("'%s/%s' was in the way: moved to '%s'", place->path, name, aside);
}

/*
 * Makes the directory one that the group can use; whether it is ours. One that lies
 * directly in refs/ or objects/ nobody can have moved there who could not write into it.
 * One that is nested may be another's, which came along with what it is in.
 */
static bool share(const struct place *place, const char *name, bool is_nested)
{
	_cleanup_close_ int fd =
		open_beneath(place->top, name, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return false;
	if (is_open(place, fd, &status))
		return is_ours(place, &status);
	if (is_nested && !is_ours(place, &status)) {
		set_aside(place, name);
		return false;
	}
	(void)fremovexattr(fd, "system.posix_acl_access");
	(void)!fchown(fd, (uid_t)-1, place->sharing->group);
	(void)!fchmod(fd, MEMBERS_MODE);
	return is_ours(place, &status);
}

static void make(const struct place *place, const char *name)
{
	_cleanup_close_ int fd = -1;

	if (mkdirat(place->top, name, 0700) < 0)
		return;
	fd = open_beneath(place->top, name, O_RDONLY | O_DIRECTORY);
	(void)!fchown(fd, place->sharing->user, place->sharing->group);
	(void)!fchmod(fd, MEMBERS_MODE);
}

/* References stand there, and no directories, which would keep them from their place. */
static void clear(const struct place *place, const char *path)
{
	const int fd = open_beneath(place->top, path, O_RDONLY | O_DIRECTORY);
	_cleanup_closedir_ DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	while (directory && (entry = readdir(directory))) {
		_cleanup_free_ char *name = xasprintf("%s/%s", path, entry->d_name);
		struct stat status;

		if (!streq(entry->d_name, ".") && !streq(entry->d_name, "..") &&
			fstatat(dirfd(directory), entry->d_name, &status,
				AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISDIR(status.st_mode))
			set_aside(place, name);
	}
}

/* The targets among what agents refer to, where nobody can have put another's there. */
static void share_targets(const struct place *place)
{
	const int fd = open_beneath(place->top, "refs/agents", O_RDONLY | O_DIRECTORY);
	_cleanup_closedir_ DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	while (directory && (entry = readdir(directory))) {
		_cleanup_free_ char *name = xasprintf("refs/agents/%s", entry->d_name);

		if (streq(entry->d_name, ".") || streq(entry->d_name, ".."))
			continue;
		if (*entry->d_name == '.')
			set_aside(place, name);
		else if (share(place, name, true))
			clear(place, name);
	}
}

static void share_all(const struct place *place)
{
	for (size_t i = 0; i < ARRAY_LEN(shared); i++) {
		const bool ours = share(place, shared[i], false);

		make(place, shared[i]);
		if (ours && streq(shared[i], "refs/agents"))
			share_targets(place);
		else if (starts_with(shared[i], "refs/") &&
			 !streq(shared[i], "refs/agents"))
			clear(place, shared[i]);
	}
	for (unsigned i = 0; i < 256; i++) {
		char name[sizeof("objects/xx")];
		struct stat status;

		snprintf(name, sizeof(name), "objects/%02x", i & 0xff);
		if (fstatat(place->top, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
			(void)share(place, name, false);
	}
}

int ledger_set_permissions(const char *path, const struct sharing *sharing)
{
	_cleanup_close_ int top = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct place place = {sharing, path, top};

	for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
		_cleanup_close_ int entry =
			open_beneath(top, entries[i].name, O_RDONLY | O_NONBLOCK);

		if (entry < 0 && errno == ENOENT)
			continue;
		if (entry < 0 || fchown(entry, sharing->user, sharing->group) < 0 ||
			fchmod(entry, entries[i].mode) < 0)
			return error_errno("cannot make '%s/%s'", path, entries[i].name);
	}
	if (sharing->is_shared)
		share_all(&place);
	return 0;
}
