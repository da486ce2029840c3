#include "base/rights.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/message.h"

/* What root had before, and which user it acts as now. */
static struct {
	bool lowered;
	uid_t user;
	gid_t root_group, root_groups[NGROUPS_MAX];
	int root_groups_len;
} rights;

/* The leak sanitizer traces us at exit, which is forbidden after a change of ids. */
static void allow_sanitizer(void)
{
#ifdef __SANITIZE_ADDRESS__
	prctl(PR_SET_DUMPABLE, 1);
	atexit(rights_restore);
#endif
}

int rights_lower(uid_t user, gid_t group)
{
	uid_t real, effective, saved;

	if (getuid() != 0 || geteuid() != 0 || rights.lowered || !user)
		return 0;
	rights.user = user;
	rights.root_group = getegid();
	rights.root_groups_len = getgroups(NGROUPS_MAX, rights.root_groups);
	if (rights.root_groups_len < 0 || setgroups(0, NULL) < 0)
		return -1;
	rights.lowered = true;
	if (setegid(group) == 0 && seteuid(user) == 0 &&
		getresuid(&real, &effective, &saved) == 0 && effective == user &&
		!saved) {
		allow_sanitizer();
		return 0;
	}
	rights_restore();
	return -1;
}

void rights_restore(void)
{
	if (!rights.lowered)
		return;
	if (seteuid(0) < 0 || setegid(rights.root_group) < 0 ||
		setgroups((size_t)rights.root_groups_len, rights.root_groups) < 0 ||
		geteuid() != 0)
		_exit(EXIT_OWN_FAILURE);
	rights.lowered = false;
}

static bool others_can_write(const struct stat *status)
{
	return status->st_uid != 0 || (status->st_mode & 0022);
}

static int become(uid_t user, gid_t group, const struct passwd *entry)
{
	/* Without an entry (a user that is gone, an idmapped mount) it has no groups. */
	if ((entry ? initgroups(entry->pw_name, group) : setgroups(0, NULL)) < 0 ||
		setresgid(group, group, group) < 0 || setresuid(user, user, user) < 0)
		return -1;
	errno = EPERM;
	return setuid(0) < 0 ? 0 : -1;
}

int rights_become_owner(const char *directory)
{
	_cleanup_close_ int fd = -1;
	const struct passwd *entry;
	struct stat top, git;

	if (getuid() != 0)
		return 0;
	rights_restore();
	fd = open(directory, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &top) < 0)
		return -1;
	if (top.st_uid) {
		entry = getpwuid(top.st_uid);
		return become(top.st_uid, entry ? entry->pw_gid : top.st_gid, entry);
	}
	if (fstatat(fd, ".git", &git, AT_SYMLINK_NOFOLLOW) < 0)
		git = top;
	if (!rights.user || (!others_can_write(&top) && !others_can_write(&git)))
		return 0;
	return become(rights.user, top.st_gid, NULL);
}

int rights_call(int (*work)(void *data), void *data)
{
	int status;
	pid_t pid;

	if (!rights.lowered)
		return work(data);
	pid = fork();
	if (pid < 0)
		return -1;
	if (pid == 0) {
		rights_restore();
		_exit(work(data) < 0 ? errno : 0);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	errno = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
	return errno ? -1 : 0;
}

struct file_work {
	const char *what, *path;
};

static int do_rename(void *data)
{
	const struct file_work *work = data;

	return rename(work->what, work->path);
}

static int do_unlink(void *data)
{
	const struct file_work *work = data;

	return unlink(work->path);
}

static int do_symlink_over(void *data)
{
	const struct file_work *work = data;

	(void)unlink(work->path);
	return symlink(work->what, work->path);
}

static int do_write_over(void *data)
{
	const struct file_work *work = data;

	return write_file_over(work->path, 0644, work->what, strlen(work->what));
}

int rights_rename(const char *from, const char *to)
{
	return rights_call(do_rename, &(struct file_work){from, to});
}

int rights_unlink(const char *path)
{
	return rights_call(do_unlink, &(struct file_work){NULL, path});
}

int rights_symlink_over(const char *target, const char *path)
{
	return rights_call(do_symlink_over, &(struct file_work){target, path});
}

int rights_write_over(const char *path, const char *text)
{
	return rights_call(do_write_over, &(struct file_work){text, path});
}

void rights_kill(pid_t pid, int signal)
{
	if (rights.lowered && seteuid(0) < 0)
		return;
	(void)kill(pid, signal);
	if (rights.lowered && seteuid(rights.user) < 0)
		_exit(EXIT_OWN_FAILURE);
}
