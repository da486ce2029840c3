#include "ledger/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"
#include "ledger/leftovers.h"
#include "ledger/loose.h"
#include "ledger/permissions.h"
#include "ledger/references.h"

char *ledger_path(const struct settings *settings)
{
	return xasprintf("%s/ledger.git", settings->state_path);
}

static struct ledger *new_ledger(const struct settings *settings)
{
	struct ledger *ledger = xcalloc(1, sizeof(*ledger));

	ledger->path = ledger_path(settings);
	ledger->lock_path = xasprintf("%s/ledger.lock", settings->state_path);
	ledger->log_path = xstrdup(settings->log_path);
	return ledger;
}

void ledger_free(struct ledger *ledger)
{
	if (!ledger)
		return;
	git_repository_free(ledger->repository);
	free(ledger->path);
	free(ledger->lock_path);
	free(ledger->log_path);
	free(ledger);
}

/* A git gc under another umask makes packs that only root can read. Their objects would
 * count as lost, and a new chain would begin. */
static int check_packs(const struct ledger *ledger)
{
	_cleanup_free_ char *path = xasprintf("%s/objects/pack", ledger->path);
	_cleanup_closedir_ DIR *directory = opendir(path);
	const struct dirent *entry;

	while (directory && (entry = readdir(directory)))
		if (starts_with(entry->d_name, "pack-") &&
			faccessat(dirfd(directory), entry->d_name, R_OK, AT_EACCESS) <
				0 &&
			errno == EACCES)
			return error_errno("cannot read '%s/%s', which git gc may have "
					   "made (chgrp and chmod g+r it)",
				path, entry->d_name);
	return 0;
}

static int open_repository(struct ledger *ledger)
{
	_cleanup_git_(odb) git_odb *odb = NULL;

	if (faccessat(AT_FDCWD, ledger->path, R_OK | X_OK, AT_EACCESS) < 0)
		return error_errno(
			"cannot read the ledger '%s' (use sudo, or become a member of "
			"its group)",
			ledger->path);
	if (ledger_remove_traps(ledger) < 0 || check_packs(ledger) < 0)
		return -1;
	if (git_repository_open_bare(&ledger->repository, ledger->path) < 0 ||
		git_repository_odb(&odb, ledger->repository) < 0 ||
		loose_add(odb, ledger->path, false) < 0)
		return git_failed("cannot read the ledger '%s'", ledger->path);
	return 0;
}

int ledger_path_id(git_oid *ret, const struct ledger *ledger, const git_oid *tree_id,
	const char *path)
{
	_cleanup_git_(tree) git_tree *tree = NULL;
	_cleanup_git_(tree_entry) git_tree_entry *entry = NULL;
	int found;

	*ret = (git_oid){0};
	if (git_tree_lookup(&tree, ledger->repository, tree_id) < 0)
		return git_failed("cannot read a snapshot");
	found = git_tree_entry_bypath(&entry, tree, path);
	if (found < 0 && found != GIT_ENOTFOUND)
		return git_failed("cannot read a snapshot");
	if (found == 0)
		*ret = *git_tree_entry_id(entry);
	return 0;
}

bool ledger_vouches(
	const struct ledger *ledger, const struct settings *settings, const git_oid *id)
{
	const struct sharing *sharing = sharing_of(settings);
	uid_t owner;

	return !sharing->is_shared || (ledger_owner_of(&owner, ledger, id) &&
					      (owner == 0 || owner == sharing->user));
}

bool ledger_has(const struct ledger *ledger, const git_oid *id)
{
	_cleanup_git_(odb) git_odb *odb = NULL;

	return git_repository_odb(&odb, ledger->repository) == 0 &&
	       git_odb_exists(odb, id);
}

int ledger_open(struct ledger **ret, const struct settings *settings)
{
	_cleanup_ledger_ struct ledger *ledger = new_ledger(settings);

	*ret = NULL;
	if (faccessat(AT_FDCWD, ledger->path, F_OK, AT_EACCESS) < 0 && errno == ENOENT)
		return 0;
	if (git_start() < 0 || open_repository(ledger) < 0)
		return -1;
	*ret = TAKE_PTR(ledger);
	return 0;
}

/* git gc must not remove what only a record names (Config-Tree). */
static int keep_everything(git_repository *repository)
{
	git_config *config = NULL;
	int result = git_repository_config(&config, repository);

	if (result == 0)
		result = git_config_set_string(config, "gc.pruneExpire", "never");
	if (result == 0)
		result = git_config_set_bool(config, "gc.packRefs", false);
	git_config_free(config);
	return result < 0 ? git_failed("cannot make the ledger") : 0;
}

/* Makes the missing parts of a repository. */
static int make_skeleton(const char *path, const struct sharing *sharing)
{
	git_repository_init_options options = GIT_REPOSITORY_INIT_OPTIONS_INIT;
	_cleanup_git_(repository) git_repository *repository = NULL;

	options.flags = GIT_REPOSITORY_INIT_BARE;
	options.initial_head = "builds";
	options.description =
		"builds of this machine's configuration, see safe-rebuild(8)";
	if (git_start() < 0)
		return -1;
	if (git_repository_init_ext(&repository, path, &options) < 0)
		return git_failed("cannot make the ledger '%s'", path);
	return keep_everything(repository) < 0 ||
			       ledger_set_permissions(path, sharing) < 0
		       ? -1
		       : 0;
}

/* Also what killed processes left: we have the lock, so nobody else is making one. */
static void remove_unfinished(const struct ledger *ledger)
{
	_cleanup_free_ char *pattern = xasprintf("%s.new.*", ledger->path);
	glob_t found;

	if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			(void)!remove_tree(AT_FDCWD, found.gl_pathv[i]);
	globfree(&found);
}

/* Made under another name, then renamed, so that nobody ever sees half a ledger. */
static int make_repository(const struct ledger *ledger, const struct sharing *sharing)
{
	_cleanup_free_ char *unfinished = xasprintf("%s.new.XXXXXX", ledger->path);
	int result;

	remove_unfinished(ledger);
	if (!mkdtemp(unfinished))
		return error_errno("cannot make '%s'", unfinished);
	result = make_skeleton(unfinished, sharing);
	if (result == 0 && rename(unfinished, ledger->path) < 0)
		result = error_errno("cannot make the ledger '%s'", ledger->path);
	if (result < 0)
		remove_unfinished(ledger);
	return result;
}

/* Without these, git does not accept it as a repository. Removes empty files: a crash
 * leaves them. */
static bool is_whole(const struct ledger *ledger)
{
	static const char *const parts[] = {"HEAD", "config", "objects", "refs"};

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", ledger->path, parts[i]);
		struct stat status;

		if (lstat(path, &status) == 0 && S_ISREG(status.st_mode) &&
			!status.st_size)
			unlink(path);
		if (access(path, F_OK) < 0)
			return false;
	}
	return true;
}

int ledger_make(const struct settings *settings)
{
	_cleanup_ledger_ struct ledger *ledger = new_ledger(settings);
	_cleanup_free_ char *cache = xasprintf("%s/cache", settings->state_path);
	_cleanup_free_ char *edits = xasprintf("%s/edits", settings->state_path);
	_cleanup_close_ int lock = -1;
	const struct sharing *sharing = sharing_of(settings);

	if (sharing_make_top(sharing, settings->state_path, 02750, "ledger.git") < 0 ||
		sharing_make(sharing, cache) < 0 || sharing_make(sharing, edits) < 0)
		return error_errno("cannot make '%s'", settings->state_path);
	lock = ledger_lock(ledger, sharing->group);
	if (lock < 0)
		return -1;
	if (access(ledger->path, F_OK) < 0)
		return make_repository(ledger, sharing);
	if (!is_whole(ledger))
		return make_skeleton(ledger->path, sharing);
	return sharing->is_shared ? ledger_set_permissions(ledger->path, sharing) : 0;
}

int ledger_open_to_record(struct ledger **ret, const struct settings *settings)
{
	_cleanup_ledger_ struct ledger *ledger = new_ledger(settings);

	*ret = NULL;
	if (git_start() < 0)
		return -1;
	if (faccessat(AT_FDCWD, ledger->path, F_OK, AT_EACCESS) < 0 &&
		(errno != ENOENT || ledger_make(settings) < 0))
		return error_errno("cannot record builds in '%s'", ledger->path);
	if (open_repository(ledger) < 0)
		return -1;
	if (faccessat(AT_FDCWD, ledger->lock_path, W_OK, AT_EACCESS) < 0 &&
		errno != ENOENT)
		return error_errno("cannot record builds: '%s'", ledger->lock_path);
	*ret = TAKE_PTR(ledger);
	return 0;
}
