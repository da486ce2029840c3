#include "run/meanwhile.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "changes/saved.h"
#include "changes/tree_diff.h"

/* So many paths are named; a checkout of another branch can change thousands. */
#define MEANWHILE_MAX 20
/* Nix says that it writes flake.lock and does so, within this time. */
#define LOCK_FILE_SECONDS 5

/*
 * Whether the only change is the flake.lock that nixos-rebuild itself has written, and
 * nobody after it.
 */
static bool is_own_lock_file(const char *lock_file, time_t written,
	const struct path_changes *changes, int root)
{
	_cleanup_close_ int fd = -1;
	struct stat status;

	if (!lock_file || !written || changes->len != 1 ||
		!streq(changes->list[0].path, lock_file))
		return false;
	fd = open_beneath(root, lock_file, O_PATH);
	return fd >= 0 && fstat(fd, &status) == 0 &&
	       status.st_mtime <= written + LOCK_FILE_SECONDS;
}

void meanwhile_note(struct run *run, struct ledger *ledger, time_t lock_file_written)
{
	_cleanup_path_changes_ struct path_changes changes = {0};
	_cleanup_snapshot_ struct snapshot after = {0};
	_cleanup_strv_ struct strv paths = {0};
	_cleanup_free_ char *words = NULL;
	_cleanup_close_ int root = -1;

	if (!run->has_snapshot)
		return;
	if (snapshot_take(&after, &run->configuration, run->settings, NULL) < 0) {
		record_set(&run->record, "Changed-While-Building", "?");
		return;
	}
	if (tree_diff(&changes, ledger->repository, &run->snapshot.tree, &after.tree) <
			0 ||
		!changes.len)
		return;
	root = open(run->configuration.root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (is_own_lock_file(
		    run->configuration.lock_file, lock_file_written, &changes, root)) {
		char tree[OID_TEXT_SIZE];

		record_set(
			&run->record, "Tree-With-Lock-File", oid_text(tree, &after.tree));
		say("nixos-rebuild has written %s: it is not committed yet",
			run->configuration.lock_file);
		return;
	}
	for (size_t i = 0; i < changes.len && i < MEANWHILE_MAX; i++) {
		const char *path = changes.list[i].path;
		_cleanup_free_ char *saved = saved_describe(root, path);

		strv_add(&paths, path);
		say("changed while building: %s (%s)", path, saved ? saved : "gone");
	}
	if (changes.len > MEANWHILE_MAX) {
		say("changed while building: and %zu more", changes.len - MEANWHILE_MAX);
		strv_add(&paths, "...");
	}
	words = text_shell_words(paths.words);
	record_set(&run->record, "Changed-While-Building", words);
}
