/*
 * Every file below the root, for configurations that Nix reads as plain directories. In a
 * git checkout, files that are ignored and not tracked are skipped: they are outputs and
 * secrets. Entries named .git are always skipped.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "base/memory.h"
#include "ledger/git.h"
#include "snapshot/taking.h"

struct name {
	char *text; /* a directory's ends in '/', which gives git's order */
	struct stat status;
};

struct names {
	struct name *list;
	size_t len;
};

struct walk {
	struct taking *taking;
	git_repository *repository; /* NULL: nothing is ignored */
	git_index *index;
	size_t tracked_at; /* earlier index entries come before the current path */
};

static void names_free(struct names *names)
{
	for (size_t i = 0; i < names->len; i++)
		free(names->list[i].text);
	free(names->list);
}

/* Also names that are .git on file systems that ignore case or trailing characters: git
 * fsck refuses them. */
static bool is_dot_git(const char *name)
{
	static const char *const stems[] = {".git", "git~1"};

	for (size_t i = 0; i < ARRAY_LEN(stems); i++) {
		size_t len = strlen(stems[i]);

		if (strncasecmp(name, stems[i], len) == 0 &&
			(strspn(name + len, " .") == strlen(name + len) ||
				name[len] == ':'))
			return true;
	}
	return false;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

static void read_names(
	struct names *ret, struct taking *taking, int fd, const char *prefix)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	_cleanup_closedir_ DIR *directory = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *found;

	*ret = (struct names){0};
	if (!directory) {
		if (copy >= 0)
			close(copy);
		taking_leave_out(taking, prefix, strerror(errno));
		return;
	}
	while ((found = readdir(directory))) {
		struct name name;

		if (is_dot(found->d_name) || is_dot_git(found->d_name) ||
			fstatat(fd, found->d_name, &name.status, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		name.text = xasprintf(
			"%s%s", found->d_name, S_ISDIR(name.status.st_mode) ? "/" : "");
		*list_add(ret->list, ret->len) = name;
	}
	if (ret->len)
		qsort(ret->list, ret->len, sizeof(*ret->list), compare_names);
}

/* Whether path (a file, or a directory with its slash) or something below it is tracked.
 */
static bool is_tracked(struct walk *walk, const char *path)
{
	const git_index_entry *entry;
	size_t len = strlen(path);

	while ((entry = git_index_get_byindex(walk->index, walk->tracked_at)) &&
		strcmp(entry->path, path) < 0)
		walk->tracked_at++;
	if (!entry)
		return false;
	return path[len - 1] == '/' ? strncmp(entry->path, path, len) == 0
				    : streq(entry->path, path);
}

static bool is_passed_over(struct walk *walk, const char *path)
{
	int ignored = 0;

	return walk->repository && !is_tracked(walk, path) &&
	       git_ignore_path_is_ignored(&ignored, walk->repository, path) == 0 &&
	       ignored;
}

static int walk_directory(struct walk *walk, int fd, const char *prefix);

static int walk_below(
	struct walk *walk, int fd, const char *prefix, const struct stat *directory)
{
	struct taking *taking = walk->taking;
	const bool hidden = taking->hidden;
	int result;

	taking->hidden = hidden || !(directory->st_mode & S_IXOTH);
	taking->any_hidden = taking->any_hidden || taking->hidden;
	result = walk_directory(walk, fd, prefix);
	taking->hidden = hidden;
	return result;
}

static int walk_directory(struct walk *walk, int fd, const char *prefix)
{
	_cleanup_(names_free) struct names names = {0};

	read_names(&names, walk->taking, fd, prefix);
	for (size_t i = 0; i < names.len; i++) {
		const struct name *name = &names.list[i];
		_cleanup_free_ char *path = xasprintf("%s%s", prefix, name->text);
		_cleanup_close_ int below = -1;
		int result;

		if (is_passed_over(walk, path))
			continue;
		if (taking_is_full(walk->taking))
			return taking_leave_out(
				walk->taking, path, "the snapshot is full");
		if (!S_ISDIR(name->status.st_mode)) {
			result = taking_add_file(walk->taking, path, &name->status);
		} else {
			below = open_beneath(fd, name->text, O_RDONLY | O_DIRECTORY);
			result = below < 0 ? taking_leave_out(
						     walk->taking, path, strerror(errno))
					   : walk_below(walk, below, path, &name->status);
		}
		if (result < 0)
			return -1;
	}
	return 0;
}

int take_all_files(struct taking *taking, git_repository *repository)
{
	_cleanup_git_(index) git_index *index = NULL;
	struct walk walk = {.taking = taking, .repository = repository};
	_cleanup_close_ int root =
		open_beneath(taking->root_fd, ".", O_RDONLY | O_DIRECTORY);

	if (repository && git_repository_index(&index, repository) < 0)
		return git_failed("cannot read the index of '%s'",
			git_repository_workdir(repository));
	walk.index = index;
	if (root < 0)
		return taking_leave_out(taking, ".", strerror(errno));
	return walk_directory(&walk, root, "");
}
