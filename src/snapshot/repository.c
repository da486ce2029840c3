#include "snapshot/repository.h"

#include <limits.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"

/* Not by name: libgit2 adds a slash to directories. */
static bool is_same_directory(const char *a, const char *b)
{
	struct stat status_a, status_b;

	return a && stat(a, &status_a) == 0 && stat(b, &status_b) == 0 &&
	       is_same_file(&status_a, &status_b);
}

static bool is_inside(const char *path, const char *root)
{
	char real[PATH_MAX];
	size_t len = strlen(root);

	return realpath(path, real) && strncmp(real, root, len) == 0 &&
	       (real[len] == '/' || real[len] == '\0');
}

static int check_directory(const char *path, const char *root, uid_t owner)
{
	struct stat status;

	if (lstat(path, &status) < 0)
		return error_errno("cannot read the repository '%s'", path);
	if (status.st_uid == owner)
		return 0;
	if (is_inside(path, root) && (status.st_uid == 0 || status.st_uid == geteuid()))
		return 0;
	return error(
		"not reading the repository of '%s': its git directory '%s' belongs to "
		"user %u, not to %u",
		root, path, (unsigned)status.st_uid, (unsigned)owner);
}

/* libgit2 opens these when it opens a repository, and would hang on a FIFO. */
static int check_files(const char *directory)
{
	static const char *const names[] = {"HEAD", "config", "commondir", "packed-refs",
		"objects/info/alternates", "info/attributes", "index"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", directory, names[i]);
		struct stat status;

		if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
			return error(
				"not reading the repository: '%s' is not a regular file",
				path);
	}
	return 0;
}

/* Only looks into root/.git if that is a directory: a .git file names another one. */
static int check_before_opening(const char *root)
{
	_cleanup_free_ char *git = xasprintf("%s/.git", root);
	struct stat status;

	if (lstat(git, &status) < 0)
		return error_errno("cannot read '%s'", git);
	if (S_ISDIR(status.st_mode))
		return check_files(git);
	return S_ISREG(status.st_mode) ? 0
				       : error("'%s' is not a file or a directory", git);
}

int repository_open(git_repository **ret, const char *root)
{
	_cleanup_git_(repository) git_repository *repository = NULL;
	struct stat status;

	if (lstat(root, &status) < 0)
		return error_errno("cannot read '%s'", root);
	if (check_before_opening(root) < 0)
		return -1;
	if (git_repository_open_ext(
		    &repository, root, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL) < 0)
		return git_failed("cannot read the git repository '%s'", root);
	if (!is_same_directory(git_repository_workdir(repository), root))
		return error(
			"not reading the repository of '%s': its working directory is "
			"elsewhere (core.worktree)",
			root);
	if (check_directory(git_repository_path(repository), root, status.st_uid) < 0 ||
		check_directory(
			git_repository_commondir(repository), root, status.st_uid) < 0)
		return -1;
	*ret = TAKE_PTR(repository);
	return 0;
}

int repository_head(git_commit **ret, git_repository *repository)
{
	git_oid id;
	int result = git_reference_name_to_id(&id, repository, "HEAD");

	if (result == GIT_ENOTFOUND)
		return 0;
	if (result < 0 || git_commit_lookup(ret, repository, &id) < 0)
		return git_failed("cannot read HEAD");
	return 1;
}

const char *repository_unfinished(git_repository *repository)
{
	switch (git_repository_state(repository)) {
	case GIT_REPOSITORY_STATE_MERGE:
		return "merge";
	case GIT_REPOSITORY_STATE_REVERT:
	case GIT_REPOSITORY_STATE_REVERT_SEQUENCE:
		return "revert";
	case GIT_REPOSITORY_STATE_CHERRYPICK:
	case GIT_REPOSITORY_STATE_CHERRYPICK_SEQUENCE:
		return "cherry-pick";
	case GIT_REPOSITORY_STATE_BISECT:
		return "bisect";
	case GIT_REPOSITORY_STATE_REBASE:
	case GIT_REPOSITORY_STATE_REBASE_INTERACTIVE:
	case GIT_REPOSITORY_STATE_REBASE_MERGE:
	case GIT_REPOSITORY_STATE_APPLY_MAILBOX:
	case GIT_REPOSITORY_STATE_APPLY_MAILBOX_OR_REBASE:
		return "rebase";
	default:
		return NULL;
	}
}

bool path_has_program(git_repository *repository, const char *path)
{
	const char *filter = NULL;

	return git_attr_get(&filter, repository, GIT_ATTR_CHECK_FILE_THEN_INDEX, path,
		       "filter") == 0 &&
	       git_attr_value(filter) == GIT_ATTR_VALUE_STRING;
}
