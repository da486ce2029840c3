#include "changes/uncommitted.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"

/* An agent's tool saves a file and is noted; a formatter that runs right after it may
 * save it again. */
#define SAME_SAVE 5

char *saved_describe(
	const char *root, int root_fd, const char *path, const struct edits *edits)
{
	_cleanup_close_ int fd = open_beneath(root_fd, path, O_PATH);
	_cleanup_free_ char *age = NULL, *full = xasprintf("%s/%s", root, path);
	const struct edit *edit = edits ? edits_last(edits, full) : NULL;
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return NULL;
	age = clock_age(status.st_mtime);
	if (edit && edit->when + SAME_SAVE >= status.st_mtime)
		return xasprintf("%s edited it %s", edit->agent, age);
	return xasprintf("saved %s", age);
}

int uncommitted_list(struct strv *ret, struct ledger *ledger,
	const struct configuration *configuration, const struct snapshot *snapshot,
	const struct edits *edits)
{
	_cleanup_path_changes_ struct path_changes changes = {0};
	_cleanup_close_ int root =
		open(configuration->root, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (git_oid_is_zero(&snapshot->commit))
		return 0;
	if (snapshot->state == CONFIG_CLEAN)
		return 1;
	if (tree_diff(&changes, ledger->repository, &snapshot->committed,
		    &snapshot->tree) < 0)
		return -1;
	for (size_t i = 0; i < changes.len; i++) {
		const struct path_change *change = &changes.list[i];
		_cleanup_free_ char *saved =
			saved_describe(configuration->root, root, change->path, edits);

		strv_take(ret, xasprintf("%c %s (%s)", path_change_letter(change),
				       change->path, saved ? saved : "gone"));
	}
	return 1;
}
