/*
 * The files that git's index names, with the content they have on disk: what Nix reads of
 * a git flake, and what "git add -u && git write-tree" would store. The index's own stat
 * data and ids are not used: its ids are those of filtered content.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/sysinfo.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"
#include "snapshot/repository.h"
#include "snapshot/taking.h"

/* Below this many files a second thread costs more than it saves. */
#define FILES_PER_THREAD 1000
#define THREADS_MAX 4

/* A path that the index names, and what is there on disk. */
struct candidate {
	const char *path;
	const git_index_entry *entry; /* NULL: from the cache, which has no submodules */
	int error; /* errno of looking at it; 0: none; ENOENT: it is gone */
	struct stat status;
};

/* The candidates that one thread looks at. */
struct share {
	struct candidate *candidates;
	size_t len;
	int root_fd; /* of the repository: a submodule's is not the snapshot's */
};

/* The directory of the last path, mostly also that of the next: paths come sorted. */
struct directory {
	char *path; /* with its slash; "" for the root */
	int fd;     /* -1: it cannot be entered */
	int error;
};

/* If a link or a file has replaced a directory, what was below is gone, as in git. */
static int error_of_path(int error)
{
	return error == ENOTDIR || error == ELOOP || error == EXDEV ? ENOENT : error;
}

static void directory_free(struct directory *directory)
{
	free(directory->path);
	if (directory->fd >= 0)
		close(directory->fd);
}

/* Opens the directory of path, unless it is open. */
static void enter(struct directory *directory, int root_fd, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) + 1 : 0;

	if (directory->path && strlen(directory->path) == len &&
		strncmp(directory->path, path, len) == 0)
		return;
	set_string(&directory->path, xstrndup(path, len));
	if (directory->fd >= 0)
		close(directory->fd);
	directory->fd =
		open_beneath(root_fd, len ? directory->path : ".", O_PATH | O_DIRECTORY);
	directory->error = directory->fd < 0 ? error_of_path(errno) : 0;
}

static void *look_at_share(void *argument)
{
	const struct share *share = argument;
	_cleanup_(directory_free) struct directory directory = {.fd = -1};

	for (size_t i = 0; i < share->len; i++) {
		struct candidate *candidate = &share->candidates[i];
		const char *path = candidate->path;

		enter(&directory, share->root_fd, path);
		candidate->error = directory.error;
		if (!candidate->error &&
			fstatat(directory.fd, path + strlen(directory.path),
				&candidate->status, AT_SYMLINK_NOFOLLOW) < 0)
			candidate->error = error_of_path(errno);
	}
	return NULL;
}

/* lstat(2) takes most of a snapshot's time, so it is shared among the processors. */
static void look_at(struct candidate *candidates, size_t len, int root_fd)
{
	struct share shares[THREADS_MAX];
	pthread_t threads[THREADS_MAX];
	bool started[THREADS_MAX] = {false};
	size_t count = len / FILES_PER_THREAD + 1, processors = (size_t)get_nprocs();

	count = count > processors ? processors : count;
	count = count > THREADS_MAX ? THREADS_MAX : count;
	for (size_t i = 0; i < count; i++) {
		size_t from = len * i / count, to = len * (i + 1) / count;

		shares[i] = (struct share){candidates + from, to - from, root_fd};
		if (i + 1 < count)
			started[i] = pthread_create(&threads[i], NULL, look_at_share,
					     &shares[i]) == 0;
		if (!started[i])
			look_at_share(&shares[i]);
	}
	for (size_t i = 0; i < count; i++)
		if (started[i])
			pthread_join(threads[i], NULL);
}

/* A conflict has up to three entries of one path, but there is one file on disk. */
static size_t list_from_index(struct candidate **ret, git_index *index)
{
	const size_t count = git_index_entrycount(index);
	const char *last = "";
	size_t len = 0;

	*ret = xcalloc(count, sizeof(**ret));
	for (size_t i = 0; i < count; i++) {
		const git_index_entry *entry = git_index_get_byindex(index, i);

		if (!streq(entry->path, last))
			(*ret)[len++] =
				(struct candidate){.path = entry->path, .entry = entry};
		last = entry->path;
	}
	return len;
}

/* git's order of paths if submodules were directories of files. */
static int compare_expanded(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	_cleanup_free_ char *path_x = xasprintf(
		"%s%s", x->path, x->entry->mode == GIT_FILEMODE_COMMIT ? "/" : "");
	_cleanup_free_ char *path_y = xasprintf(
		"%s%s", y->path, y->entry->mode == GIT_FILEMODE_COMMIT ? "/" : "");

	return strcmp(path_x, path_y);
}

static size_t list_from_cache(struct candidate **ret, const struct stat_cache *cache)
{
	const size_t count = stat_cache_count(cache);
	size_t len = 0, at = 0;

	*ret = xcalloc(count, sizeof(**ret));
	while (len < count && ((*ret)[len].path = stat_cache_next_path(cache, &at)))
		len++;
	return len;
}

/* 1, 0 if there is none yet, -1 (printed) if opening it could hang. */
static int stat_index(struct file_stat *ret, git_repository *repository)
{
	_cleanup_free_ char *path = xasprintf("%sindex", git_repository_path(repository));
	struct stat status;

	if (lstat(path, &status) < 0)
		return 0;
	if (!S_ISREG(status.st_mode))
		return error("'%s' is not a regular file", path);
	*ret = file_stat_of(&status);
	return 1;
}

static git_repository *open_submodule(const char *root, const char *path)
{
	_cleanup_free_ char *directory = xasprintf("%s/%s", root, path);
	_cleanup_free_ char *entry = xasprintf("%s/.git", directory);
	git_repository *repository = NULL;

	if (access(entry, F_OK) < 0 || repository_open(&repository, directory) < 0)
		return NULL;
	return repository;
}

/* prefix: where the repository lies in the snapshot, "" for the top one. */
static int take_index(struct taking *taking, git_repository *repository,
	const char *prefix, bool submodules);

static int take_submodule(struct taking *taking, const char *root, const char *path,
	const git_index_entry *entry, bool submodules)
{
	_cleanup_git_(repository) git_repository *submodule =
		open_submodule(root, entry->path);
	_cleanup_git_(commit) git_commit *head = NULL;

	taking->has_submodules = true;
	if (submodule && submodules) {
		_cleanup_free_ char *below = xasprintf("%s/", path);

		return take_index(taking, submodule, below, true);
	}
	if (submodule && repository_head(&head, submodule) > 0)
		taking_add_submodule(taking, path, git_commit_id(head));
	else
		taking_add_submodule(taking, path, &entry->id);
	return 0;
}

static int take_candidate(struct taking *taking, const char *root, const char *prefix,
	const struct candidate *candidate, bool submodules)
{
	const git_index_entry *entry = candidate->entry;
	_cleanup_free_ char *joined =
		*prefix ? xasprintf("%s%s", prefix, candidate->path) : NULL;
	const char *path = joined ? joined : candidate->path;

	if (candidate->error == ENOENT)
		return 0;
	if (candidate->error)
		return taking_leave_out(taking, path, strerror(candidate->error));
	if (!S_ISDIR(candidate->status.st_mode))
		return taking_add_file(taking, path, &candidate->status);
	/* A directory has replaced a file of the index: the file is gone. */
	if (!entry || entry->mode != GIT_FILEMODE_COMMIT)
		return 0;
	return take_submodule(taking, root, path, entry, submodules);
}

static int take_index(struct taking *taking, git_repository *repository,
	const char *prefix, bool submodules)
{
	_cleanup_git_(index) git_index *index = NULL;
	_cleanup_free_ struct candidate *candidates = NULL;
	const char *root = git_repository_workdir(repository);
	_cleanup_close_ int root_fd = open_beneath(
		taking->root_fd, *prefix ? prefix : ".", O_PATH | O_DIRECTORY);
	struct file_stat index_stat;
	const int has_stat = stat_index(&index_stat, repository);
	size_t len;

	if (has_stat < 0)
		return -1;
	if (root_fd < 0)
		return error_errno("cannot read '%s'", root);
	if (has_stat && !*prefix && stat_cache_lists(taking->cache, &index_stat)) {
		len = list_from_cache(&candidates, taking->cache);
	} else {
		/* libgit2 treats an index that it cannot stat as empty. */
		if (git_repository_index(&index, repository) < 0 ||
			(has_stat && !git_index_entrycount(index) &&
				git_index_read(index, true) < 0))
			return git_failed("cannot read the index of '%s'", root);
		len = list_from_index(&candidates, index);
		/* A submodule's files sort like a directory's, not like the index's
		 * name. */
		if (submodules)
			qsort(candidates, len, sizeof(*candidates), compare_expanded);
	}
	look_at(candidates, len, root_fd);
	for (size_t i = 0; i < len; i++)
		if (take_candidate(taking, root, prefix, &candidates[i], submodules) < 0)
			return -1;
	/* So every path of the index is an entry now, and none is a submodule. */
	if (has_stat && !*prefix && !taking->has_submodules && taking->entries.len == len)
		taking->index = index_stat;
	return 0;
}

int take_tracked_files(struct taking *taking, git_repository *repository, bool submodules)
{
	return take_index(taking, repository, "", submodules);
}

/* A comparison of what was taken with a commit whose submodules are expanded. */
struct comparison {
	const struct entries *entries;
	size_t matched;
	bool same; /* so far */
};

static void match_entry(
	struct comparison *comparison, const char *path, uint32_t mode, const git_oid *id)
{
	const struct entry *entry = entries_find(comparison->entries, path);

	comparison->same = entry && entry->mode == mode && git_oid_equal(&entry->id, id);
	comparison->matched++;
}

/* base: the length of the repository's own path in a path, slash included. */
static void match_tree(struct comparison *comparison, git_repository *repository,
	size_t base, const git_oid *tree_id, const char *prefix);

static void match_submodule(struct comparison *comparison, git_repository *repository,
	size_t base, const git_oid *commit_id, const char *path)
{
	_cleanup_git_(repository) git_repository *submodule =
		open_submodule(git_repository_workdir(repository), path + base);
	_cleanup_git_(commit) git_commit *commit = NULL;
	_cleanup_free_ char *below = xasprintf("%s/", path);

	if (!submodule)
		match_entry(comparison, path, GIT_FILEMODE_COMMIT, commit_id);
	else if (git_commit_lookup(&commit, submodule, commit_id) < 0)
		comparison->same = false;
	else
		match_tree(comparison, submodule, strlen(below),
			git_commit_tree_id(commit), below);
}

static void match_tree(struct comparison *comparison, git_repository *repository,
	size_t base, const git_oid *tree_id, const char *prefix)
{
	_cleanup_git_(tree) git_tree *tree = NULL;

	comparison->same =
		comparison->same && git_tree_lookup(&tree, repository, tree_id) == 0;
	for (size_t i = 0; comparison->same && i < git_tree_entrycount(tree); i++) {
		const git_tree_entry *entry = git_tree_entry_byindex(tree, i);
		const git_oid *id = git_tree_entry_id(entry);
		const git_filemode_t mode = git_tree_entry_filemode(entry);
		_cleanup_free_ char *path = xasprintf("%s%s%s", prefix,
			git_tree_entry_name(entry), mode == GIT_FILEMODE_TREE ? "/" : "");

		if (mode == GIT_FILEMODE_TREE)
			match_tree(comparison, repository, base, id, path);
		else if (mode == GIT_FILEMODE_COMMIT)
			match_submodule(comparison, repository, base, id, path);
		else
			match_entry(comparison, path, mode, id);
	}
}

bool is_as_committed(const struct entries *entries, git_repository *repository)
{
	struct comparison comparison = {.entries = entries, .same = true};
	_cleanup_git_(commit) git_commit *head = NULL;

	if (repository_head(&head, repository) <= 0)
		return false;
	match_tree(&comparison, repository, 0, git_commit_tree_id(head), "");
	return comparison.same && comparison.matched == entries->len;
}
