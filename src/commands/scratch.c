#include "commands/scratch.h"

#include <fcntl.h>
#include <ftw.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"

static int write_alternates(const char *path, const char *ledger)
{
	_cleanup_free_ char *name = xasprintf("%s/objects/info/alternates", path);
	_cleanup_free_ char *line = xasprintf("%s/objects\n", ledger);
	_cleanup_close_ int fd =
		open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || write_all(fd, line, strlen(line)) < 0)
		return error_errno("cannot write '%s'", name);
	return 0;
}

int scratch_make(struct scratch *ret, struct ledger *ledger)
{
	_cleanup_git_(repository) git_repository *repository = NULL;
	_cleanup_git_(odb) git_odb *odb = NULL;
	_cleanup_free_ char *objects = NULL;
	const char *directory = getenv("TMPDIR");

	ret->path = xasprintf(
		"%s/safe-rebuild.XXXXXX", directory && *directory ? directory : "/tmp");
	if (!mkdtemp(ret->path)) {
		error_errno("cannot make '%s'", ret->path);
		set_string(&ret->path, NULL);
		return -1;
	}
	if (git_repository_init(&repository, ret->path, true) < 0)
		return git_failed("cannot make '%s'", ret->path);
	if (write_alternates(ret->path, ledger->path) < 0)
		return -1;
	objects = xasprintf("%s/objects", ret->path);
	if (git_repository_odb(&odb, ledger->repository) < 0 ||
		git_odb_add_disk_alternate(odb, objects) < 0)
		return git_failed("cannot read '%s'", objects);
	/* It is thrown away: nothing of it has to reach the disk. */
	git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 0);
	return 0;
}

static int remove_entry(
	const char *path, const struct stat *status, int type, struct FTW *position)
{
	(void)status;
	(void)type;
	(void)position;
	return remove(path);
}

void scratch_remove(struct scratch *scratch)
{
	if (scratch->path)
		nftw(scratch->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	set_string(&scratch->path, NULL);
}
