#include "ledger/permissions.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "base/message.h"

/* References are three deep; what lies deeper is to be removed (leftovers.c). */
#define DEPTH_MAX 100
#define MEMBERS_MODE 02770

static const struct {
	const char *name;
	mode_t mode;
} entries[] = {{"objects", 03770}, {"objects/info", 02750},
	{"objects/pack", MEMBERS_MODE}, {"refs", MEMBERS_MODE}, {"hooks", 0750},
	{"info", 0750}, {"info/exclude", 0640}, {"hooks/README.sample", 0640},
	{"config", 0640}, {"HEAD", 0640}, {"description", 0640}, {".", 02750}};

/* Directories of objects have two letters; objects/info is root's. */
static bool is_shared(int fd, const struct dirent *entry, bool of_objects)
{
	struct stat status;

	return !streq(entry->d_name, ".") && !streq(entry->d_name, "..") &&
	       (!of_objects || strlen(entry->d_name) == 2) &&
	       fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(status.st_mode);
}

static int share(int directory_fd, const char *name, gid_t group)
{
	const int fd = open_beneath(directory_fd, name, O_RDONLY | O_DIRECTORY);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return fd;
	if ((status.st_mode & 07777) != MEMBERS_MODE || status.st_gid != group) {
		(void)!fchown(fd, (uid_t)-1, group);
		(void)!fchmod(fd, MEMBERS_MODE);
	}
	return fd;
}

/* Opens the directories below this one to the group, as one of it may have made them.
 * Takes the descriptor. */
static void share_below(int directory_fd, gid_t group, bool of_objects, unsigned depth)
{
	_cleanup_closedir_ DIR *directory = fdopendir(directory_fd);
	const struct dirent *entry;

	while (directory && (entry = readdir(directory))) {
		int fd;

		if (!is_shared(dirfd(directory), entry, of_objects))
			continue;
		fd = share(dirfd(directory), entry->d_name, group);
		if (fd >= 0 && !of_objects && depth < DEPTH_MAX)
			share_below(fd, group, false, depth + 1);
		else if (fd >= 0)
			close(fd);
	}
	if (!directory)
		close(directory_fd);
}

static int share_tree(int top, const char *name, gid_t group, bool of_objects)
{
	const int fd = open_beneath(top, name, O_RDONLY | O_DIRECTORY);

	if (fd >= 0)
		share_below(fd, group, of_objects, 0);
	return fd < 0 ? -1 : 0;
}

int ledger_set_permissions(const char *path, const struct sharing *sharing)
{
	_cleanup_close_ int top = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (sharing->is_shared &&
		(share_tree(top, "objects", sharing->group, true) < 0 ||
			share_tree(top, "refs", sharing->group, false) < 0))
		return error_errno("cannot share '%s'", path);
	for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
		_cleanup_close_ int entry =
			open_beneath(top, entries[i].name, O_RDONLY | O_NONBLOCK);

		if (entry < 0 && errno == ENOENT)
			continue;
		if (entry < 0 || fchown(entry, sharing->user, sharing->group) < 0 ||
			fchmod(entry, entries[i].mode) < 0)
			return error_errno("cannot make '%s/%s'", path, entries[i].name);
	}
	return 0;
}
