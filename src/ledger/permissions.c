#include "ledger/permissions.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/xattr.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"

/* Not sticky: git renames its files over those of other users. */
#define MEMBERS_MODE 02770

static const struct {
	const char *name;
	mode_t mode;
} entries[] = {{"objects", 03770}, {"objects/info", 02750},
	{"objects/pack", MEMBERS_MODE}, {"refs", MEMBERS_MODE},
	{"refs/heads", MEMBERS_MODE}, {"refs/tags", MEMBERS_MODE}, {"hooks", 0750},
	{"info", 0750}, {"info/exclude", 0640}, {"hooks/README.sample", 0640},
	{"config", 0640}, {"HEAD", 0640}, {"description", 0640}, {".", 02750}};

/* Directories that are open to the group; missing ones are made. */
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

/* Moves away what cannot be shared and is in the way of others. */
static void set_aside(const struct place *place, const char *name)
{
	static unsigned count;
	const char *slash = strrchr(name, '/');
	_cleanup_free_ char *parent = xstrndup(name, (size_t)(slash - name));
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *aside =
		xasprintf("%s.shut.%d.%u", place->path, (int)getpid(), ++count);

	/* Fails if a parent directory has become a link: then nothing is moved. */
	fd = open_beneath(place->top, parent, O_PATH | O_DIRECTORY);
	if (fd >= 0 && renameat(fd, slash + 1, AT_FDCWD, aside) == 0)
		warn("'%s/%s' was in the way: moved to '%s'", place->path, name, aside);
}

static void open_to_group(const struct place *place, int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0 || is_open(place, fd, &status))
		return;
	(void)fremovexattr(fd, "system.posix_acl_access");
	(void)!fchown(fd, (uid_t)-1, place->sharing->group);
	(void)!fchmod(fd, MEMBERS_MODE);
}

/* For directories directly in refs/ or objects/. Only somebody who could write to such a
 * directory can have moved it there. */
static void share(const struct place *place, const char *name)
{
	_cleanup_close_ int fd = open_beneath(place->top, name, O_RDONLY | O_DIRECTORY);

	if (fd >= 0)
		open_to_group(place, fd);
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

/* Only references belong there: a directory would be in their way. */
static void clear(const struct place *place, const char *path)
{
	const int fd = open_beneath(place->top, path, O_RDONLY | O_DIRECTORY);
	_cleanup_closedir_ DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	while (directory && (entry = readdir(directory))) {
		_cleanup_free_ char *name = xasprintf("%s/%s", path, entry->d_name);
		struct stat status;

		if (!is_dot(entry->d_name) &&
			fstatat(dirfd(directory), entry->d_name, &status,
				AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISDIR(status.st_mode))
			set_aside(place, name);
	}
}

/* A nested directory that is not ours may be another user's, moved here within its
 * parent: we do not open it, and if it is not open already, it is in the way. */
static void share_target(const struct place *place, int agents, const char *target)
{
	_cleanup_free_ char *name = xasprintf("refs/agents/%s", target);
	_cleanup_close_ int fd = open_beneath(agents, target, O_RDONLY | O_DIRECTORY);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return;
	if (*target == '.' ||
		(!is_ours(place, &status) && !is_open(place, fd, &status))) {
		set_aside(place, name);
		return;
	}
	if (is_ours(place, &status))
		open_to_group(place, fd);
	clear(place, name);
}

/* The targets in refs/agents. Does nothing if a member has put that directory there. */
static void share_targets(const struct place *place)
{
	const int fd = open_beneath(place->top, "refs/agents", O_RDONLY | O_DIRECTORY);
	_cleanup_closedir_ DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	struct stat status;

	if (!directory || fstat(fd, &status) < 0 || !is_ours(place, &status))
		return;
	while ((entry = readdir(directory)))
		if (!is_dot(entry->d_name))
			share_target(place, fd, entry->d_name);
}

static void share_all(const struct place *place)
{
	for (size_t i = 0; i < ARRAY_LEN(shared); i++) {
		make(place, shared[i]);
		share(place, shared[i]);
		if (streq(shared[i], "refs/agents"))
			share_targets(place);
		else if (starts_with(shared[i], "refs/"))
			clear(place, shared[i]);
	}
	for (unsigned i = 0; i < 256; i++) {
		char name[sizeof("objects/xx")];

		snprintf(name, sizeof(name), "objects/%02x", i & 0xff);
		share(place, name);
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
