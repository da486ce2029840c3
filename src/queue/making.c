#include "queue/making.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"
#include "queue/lock.h"
#include "settings/sharing.h"

/* Gives it to the system user, because its owner could rename it while others use it. */
static int adopt(int fd, mode_t mode, const struct sharing *sharing)
{
	(void)fremovexattr(fd, "system.posix_acl_access");
	(void)fremovexattr(fd, "system.posix_acl_default");
	return fchown(fd, sharing->user, sharing->group) < 0 ? -1 : fchmod(fd, mode);
}

/* If not, it may be another user's file (a hard link): then root changes nothing. */
static bool is_of(int fd, uid_t owner, mode_t type)
{
	struct stat status;

	return fd >= 0 && fstat(fd, &status) == 0 && status.st_uid == owner &&
	       (status.st_mode & S_IFMT) == type &&
	       (S_ISDIR(type) || status.st_nlink == 1);
}

static bool is_there(int directory_fd, const char *name)
{
	return faccessat(directory_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Whether all parts had this owner and now belong to the system user. */
static bool adopt_parts(int top, uid_t owner, const struct sharing *sharing)
{
	_cleanup_close_ int queue = open_beneath(top, "queue", O_RDONLY | O_DIRECTORY);
	_cleanup_close_ int lock = open_beneath(top, "lock", O_RDONLY | O_NONBLOCK);

	if ((is_there(top, "queue") && !is_of(queue, owner, S_IFDIR)) ||
		(is_there(top, "lock") && !is_of(lock, owner, S_IFREG)) ||
		adopt(top, SHARED_MODE, sharing) < 0)
		return false;
	return (queue < 0 || adopt(queue, SHARED_MODE, sharing) == 0) &&
	       (lock < 0 || adopt(lock, LOCK_MODE, sharing) == 0);
}

/* With root's rights: takes over a target that a member made, or made for root alone. */
static void adopt_target(
	const struct target *target, const char *targets, const struct sharing *sharing)
{
	_cleanup_close_ int all = open(targets, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int top = open_beneath(all, target->name, O_RDONLY | O_DIRECTORY);
	_cleanup_free_ char *aside = xasprintf(".%s.%d", target->name, (int)getpid());
	struct stat status;

	if (top < 0 || fstat(top, &status) < 0 || status.st_uid == sharing->user ||
		adopt_parts(top, status.st_uid, sharing))
		return;
	if (renameat(all, target->name, all, aside) == 0)
		warn("not all of '%s' belongs to one user: moved it to '%s/%s'",
			target->directory, targets, aside);
}

/* Removes a file that has the name of a target's part, but the wrong type. */
static void clear_part(const char *path, mode_t type)
{
	struct stat status;

	if (lstat(path, &status) == 0 && (status.st_mode & S_IFMT) != type &&
		free_name(path) == 0)
		warn("removed '%s': it has the wrong file type for a queue", path);
}

static void clear_target(const struct target *target)
{
	_cleanup_free_ char *lock = xasprintf("%s/lock", target->directory);

	clear_part(target->directory, S_IFDIR);
	clear_part(target->queue, S_IFDIR);
	clear_part(lock, S_IFREG);
}

int queue_make(const struct settings *settings, const struct target *target)
{
	_cleanup_free_ char *targets = xasprintf("%s/targets", settings->run_path);
	_cleanup_close_ int lock = -1;
	struct sharing sharing = *sharing_of(settings);
	struct stat status;

	if (geteuid() != 0 && !target_is_system(target->name))
		clear_target(target);
	if (geteuid() != 0 && faccessat(AT_FDCWD, target->queue, F_OK, AT_EACCESS) == 0)
		return 0;
	if (sharing_make_top(&sharing, settings->run_path, 0755, "queue") < 0 ||
		sharing_make(&sharing, targets) < 0)
		return -1;
	/* sharing_of() knows this only for root: a member sees it by the directory. */
	if (stat(targets, &status) == 0 && (status.st_mode & S_ISGID))
		sharing.is_shared = true;
	/* Where members can move files, queue_enter() makes them with lowered rights. */
	if (!target_is_system(target->name) && sharing.is_shared && geteuid() == 0) {
		adopt_target(target, targets, &sharing);
		return 0;
	}
	if (!target_is_system(target->name) &&
		sharing_make(&sharing, target->directory) < 0)
		return -1;
	lock = lock_open(target->directory, sharing.group);
	return lock < 0 ? -1 : sharing_make(&sharing, target->queue);
}
