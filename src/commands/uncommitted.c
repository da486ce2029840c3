#include "commands/uncommitted.h"

#include <fcntl.h>

#include "base/memory.h"
#include "base/text.h"
#include "changes/saved.h"
#include "changes/tree_diff.h"
#include "commands/scratch.h"
#include "snapshot/snapshot.h"

static char *describe(int root, const struct path_change *change)
{
	_cleanup_free_ char *path = text_clean(change->path, strlen(change->path));
	_cleanup_free_ char *saved = saved_describe(root, change->path);

	return xasprintf(
		"%c %s (%s)", path_change_letter(change), path, saved ? saved : "gone");
}

static void compare(
	struct uncommitted *ret, struct ledger *ledger, const struct snapshot *snapshot)
{
	_cleanup_path_changes_ struct path_changes changes = {0};
	_cleanup_close_ int root =
		open(ret->root, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (git_oid_is_zero(&snapshot->commit))
		return;
	ret->state = UNCOMMITTED_KNOWN;
	if (git_oid_is_zero(&snapshot->committed) ||
		tree_diff(&changes, ledger->repository, &snapshot->committed,
			&snapshot->tree) < 0)
		return;
	for (size_t i = 0; i < changes.len; i++)
		strv_take(&ret->paths, describe(root, &changes.list[i]));
}

void uncommitted_find(
	struct uncommitted *ret, struct ledger *ledger, const struct settings *settings)
{
	_cleanup_configuration_ struct configuration configuration = {0};
	_cleanup_scratch_ struct scratch scratch = {0};
	_cleanup_snapshot_ struct snapshot snapshot = {0};
	const struct request request = {.action = ACTION_SWITCH};

	*ret = (struct uncommitted){.state = UNCOMMITTED_UNKNOWN};
	configuration_find_here(&configuration, &request);
	if (!configuration.is_git || configuration.kind == CONFIGURATION_COMMIT ||
		scratch_make(&scratch, ledger) < 0 ||
		snapshot_take(&snapshot, &configuration, settings, scratch.path) < 0)
		return;
	ret->root = text_clean(configuration.root, strlen(configuration.root));
	if (snapshot.untracked)
		ret->untracked =
			text_clean(snapshot.untracked, strlen(snapshot.untracked));
	compare(ret, ledger, &snapshot);
}

void uncommitted_free(struct uncommitted *uncommitted)
{
	free(uncommitted->root);
	free(uncommitted->untracked);
	strv_free(&uncommitted->paths);
}
