/*
 * Files that somebody wrote but forgot to "git add": a git flake does not see them, and
 * the error that follows does not say why. Looks for *.nix beside tracked files and in
 * new directories there, in a limited number of directories.
 */
#include <fcntl.h>

#include "base/file.h"
#include "base/memory.h"
#include "snapshot/taking.h"

#define DIRECTORIES_MAX 200
#define SHOWN 3
/* How many entries and levels of a directory without tracked files are looked at. */
#define ENTRIES_MAX 200
#define DEPTH_MAX 3

struct search {
	const struct taking *taking;
	git_repository *repository;
	struct strbuf out;
	size_t found;
};

/* Whether git tracks something below the directory. */
static bool has_tracked(const struct taking *taking, const char *directory)
{
	const struct entries *entries = &taking->entries;
	const size_t len = strlen(directory);
	size_t low = 0, high = entries->len;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (strcmp(entries->list[middle].path, directory) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	/* "a-b" stands between "a" and "a/b". */
	for (; low < entries->len &&
		strncmp(entries->list[low].path, directory, len) == 0;
		low++)
		if (entries->list[low].path[len] == '/' || !entries->list[low].path[len])
			return true;
	return false;
}

static void note(struct search *search, const char *path, const char *suffix)
{
	if (search->found++ < SHOWN)
		strbuf_printf(&search->out, "%s%s%s", search->found > 1 ? ", " : "", path,
			suffix);
}

/* Whether there are Nix files in the directory, unless it is a repository itself. */
static bool has_nix_files(const struct taking *taking, const char *path, unsigned depth)
{
	_cleanup_close_ int fd =
		open_beneath(taking->root_fd, path, O_RDONLY | O_DIRECTORY);
	_cleanup_closedir_ DIR *listing = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	bool found = false;

	if (!listing || faccessat(fd, ".git", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return false;
	(void)TAKE_FD(fd);
	for (unsigned i = 0; i < ENTRIES_MAX && !found && (entry = readdir(listing));
		i++) {
		_cleanup_free_ char *below = xasprintf("%s/%s", path, entry->d_name);

		found = entry->d_type != DT_DIR && ends_with(entry->d_name, ".nix");
		if (entry->d_type == DT_DIR && *entry->d_name != '.' && depth)
			found = has_nix_files(taking, below, depth - 1);
	}
	return found;
}

static void look_at_directory(struct search *search, const char *path)
{
	_cleanup_free_ char *slashed = xasprintf("%s/", path);
	int ignored = 0;

	if (!has_tracked(search->taking, path) &&
		has_nix_files(search->taking, path, DEPTH_MAX) &&
		git_ignore_path_is_ignored(&ignored, search->repository, slashed) == 0 &&
		!ignored)
		note(search, path, "/");
}

static void look_at(struct search *search, const char *path)
{
	int ignored = 0;

	if (!ends_with(path, ".nix") || entries_find(&search->taking->entries, path) ||
		strv_has(&search->taking->left_out, path) ||
		git_ignore_path_is_ignored(&ignored, search->repository, path) < 0 ||
		ignored)
		return;
	note(search, path, "");
}

static void look_in(struct search *search, const char *directory)
{
	_cleanup_close_ int fd = open_beneath(search->taking->root_fd,
		*directory ? directory : ".", O_RDONLY | O_DIRECTORY);
	_cleanup_closedir_ DIR *listing = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *found;

	if (!listing)
		return;
	(void)TAKE_FD(fd);
	while ((found = readdir(listing))) {
		_cleanup_free_ char *path = xasprintf(
			"%s%s%s", directory, *directory ? "/" : "", found->d_name);

		if (found->d_type != DT_DIR)
			look_at(search, path);
		else if (*found->d_name != '.')
			look_at_directory(search, path);
	}
}

void untracked_describe(
	struct record *answer, const struct taking *taking, git_repository *repository)
{
	_cleanup_strv_ struct strv directories = {0};
	struct search search = {
		.taking = taking,
		.repository = repository,
		.out = STRBUF_INIT,
	};

	for (size_t i = 0; i < taking->entries.len && directories.len < DIRECTORIES_MAX;
		i++) {
		const char *path = taking->entries.list[i].path;
		const char *slash = strrchr(path, '/');
		_cleanup_free_ char *directory =
			xstrndup(path, slash ? (size_t)(slash - path) : 0);

		if (strv_has(&directories, directory))
			continue;
		strv_add(&directories, directory);
		look_in(&search, directory);
	}
	if (search.found > SHOWN)
		strbuf_printf(&search.out, " and %zu more", search.found - SHOWN);
	record_set(answer, "Untracked", search.out.text);
	strbuf_free(&search.out);
}
