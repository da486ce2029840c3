#include "snapshot/untracked.h"

#include <fcntl.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/strv.h"
#include "ledger/git.h"

#define DIRECTORIES_MAX 200
#define SHOWN 3

struct search {
	const struct taking *taking;
	git_repository *repository;
	struct strbuf out;
	size_t found;
};

static int compare_path(const void *path, const void *entry)
{
	return strcmp(path, ((const struct entry *)entry)->path);
}

static bool is_tracked(const struct taking *taking, const char *path)
{
	return bsearch(path, taking->entries.list, taking->entries.len,
		       sizeof(*taking->entries.list), compare_path) != NULL;
}

static void look_at(struct search *search, const char *directory, const char *name)
{
	_cleanup_free_ char *path =
		xasprintf("%s%s%s", directory, *directory ? "/" : "", name);
	int ignored = 0;

	if (!ends_with(name, ".nix") || is_tracked(search->taking, path) ||
		git_ignore_path_is_ignored(&ignored, search->repository, path) < 0 ||
		ignored)
		return;
	if (search->found++ < SHOWN)
		strbuf_printf(&search->out, "%s%s", search->found > 1 ? ", " : "", path);
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
	while ((found = readdir(listing)))
		look_at(search, directory, found->d_name);
}

/* A directory's files stand on both sides of what lies below it; the last is the
 * likeliest. */
static bool is_among(const struct strv *list, const char *word)
{
	for (size_t i = list->len; i-- > 0;)
		if (streq(list->words[i], word))
			return true;
	return false;
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

		if (is_among(&directories, directory))
			continue;
		strv_add(&directories, directory);
		look_in(&search, directory);
	}
	if (search.found > SHOWN)
		strbuf_printf(&search.out, " and %zu more", search.found - SHOWN);
	record_set(answer, "Untracked", search.out.text);
	strbuf_free(&search.out);
}
