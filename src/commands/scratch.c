#include "commands/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/close_range.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"

static int write_file(const char *directory, const char *name, const char *text)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", directory, name);
	_cleanup_close_ int fd =
		open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	return fd < 0 || write_all(fd, text, strlen(text)) < 0 ? -1 : 0;
}

/* The least that is a git repository: initialising one takes ten times as long. */
static int fill(const char *path, const char *ledger)
{
	static const char *const directories[] = {
		"objects", "objects/info", "objects/pack", "refs"};
	_cleanup_free_ char *alternates = xasprintf("%s/objects\n", ledger);

	for (size_t i = 0; i < ARRAY_LEN(directories); i++) {
		_cleanup_free_ char *directory = xasprintf("%s/%s", path, directories[i]);

		if (mkdir(directory, 0700) < 0)
			return -1;
	}
	if (write_file(path, "HEAD", "ref: refs/heads/none\n") < 0)
		return -1;
	return write_file(path, "objects/info/alternates", alternates);
}

static int remove_entry(
	const char *path, const struct stat *status, int type, struct FTW *position)
{
	(void)status;
	(void)type;
	(void)position;
	return remove(path);
}

/*
 * Removes the directory when the other end of the pipe is closed, which a signal to this
 * process does as well: calls of agents are ended at any time.
 */
static _noreturn_ void sweep(const char *path, int pipe)
{
	char nothing;

	setsid();
	dup2(pipe, STDIN_FILENO);
	close_range(STDOUT_FILENO, ~0U, 0);
	while (read(STDIN_FILENO, &nothing, 1) < 0 && errno == EINTR)
		;
	nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	_exit(0);
}

static int start_sweeper(struct scratch *scratch)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	scratch->sweeper = fork();
	if (scratch->sweeper == 0) {
		close(fds[1]);
		sweep(scratch->path, fds[0]);
	}
	close(fds[0]);
	scratch->pipe = fds[1];
	return scratch->sweeper < 0 ? -1 : 0;
}

int scratch_make(struct scratch *ret, struct ledger *ledger)
{
	_cleanup_git_(odb) git_odb *odb = NULL;
	_cleanup_free_ char *objects = NULL;
	const char *directory = getenv("TMPDIR");

	*ret = (struct scratch){.pipe = -1};
	ret->path = xasprintf(
		"%s/safe-rebuild.XXXXXX", directory && *directory ? directory : "/tmp");
	if (!mkdtemp(ret->path)) {
		error_errno("cannot make '%s'", ret->path);
		set_string(&ret->path, NULL);
		return -1;
	}
	if (start_sweeper(ret) < 0 || fill(ret->path, ledger->path) < 0)
		return error_errno("cannot make '%s'", ret->path);
	objects = xasprintf("%s/objects", ret->path);
	if (git_repository_odb(&odb, ledger->repository) < 0 ||
		git_odb_add_disk_alternate(odb, objects) < 0)
		return git_failed("cannot read '%s'", objects);
	/* It is thrown away: nothing of it has to reach the disk. */
	git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 0);
	return 0;
}

void scratch_remove(struct scratch *scratch)
{
	if (scratch->path && scratch->pipe >= 0) {
		close(scratch->pipe);
		waitpid(scratch->sweeper, NULL, 0);
	}
	set_string(&scratch->path, NULL);
}
