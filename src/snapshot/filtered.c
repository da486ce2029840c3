/*
 * git filters some files when they are added (line endings, $Id$). Nix reads, and a
 * snapshot holds, what is on disk. Compared with what was committed, all such files
 * would count as edited. Filters of programs (LFS, git-crypt) are not run: what they have
 * checked out is known by git's index. A stub (stub.h) counts as unchanged if
 * the committed file has its size.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/message.h"
#include "snapshot/repository.h"
#include "snapshot/stub.h"
#include "snapshot/taking.h"

/* What filtered_tree() makes. */
struct search {
	const struct taking *taking;
	git_repository *repository;
	struct entries entries;
	size_t found;     /* how many are as on disk, not as committed */
	git_index *index; /* NULL: not looked at yet */
	int64_t index_ns; /* when it was written */
};

static bool is_set(git_repository *repository, const char *key)
{
	git_config *config = NULL;
	git_buf value = GIT_BUF_INIT;
	const bool found = git_repository_config_snapshot(&config, repository) == 0 &&
			   git_config_get_string_buf(&value, config, key) == 0 &&
			   strcmp(value.ptr, "false") != 0;

	git_buf_dispose(&value);
	git_config_free(config);
	return found;
}

static bool may_be_stub(const struct taking *taking, const struct entry *entry)
{
	return S_ISREG(entry->mode) && taking_is_stubbed(taking, taking->any_hidden,
					       entry->stat.size, entry->stat.mode);
}

/* Most repositories have no such files: this saves them the look at every file. */
static bool may_be_filtered(const struct search *search)
{
	const struct entries *entries = &search->taking->entries;
	_cleanup_free_ char *info = xasprintf(
		"%sinfo/attributes", git_repository_commondir(search->repository));

	for (size_t i = 0; i < entries->len; i++)
		if (ends_with(entries->list[i].path, ".gitattributes") ||
			may_be_stub(search->taking, &entries->list[i]))
			return true;
	return access(info, F_OK) == 0 || is_set(search->repository, "core.autocrlf") ||
	       is_set(search->repository, "core.attributesfile");
}

/* Whether the file has filters, and with them git would store it as this object. */
static bool has_content(const struct search *search, const char *path, const git_oid *id)
{
	git_filter_list *filters = NULL;
	git_oid taken_in;
	bool same = false;

	if (git_filter_list_load(&filters, search->repository, NULL, path,
		    GIT_FILTER_TO_ODB, GIT_FILTER_DEFAULT) == 0 &&
		filters)
		same = git_repository_hashfile(&taken_in, search->repository, path,
			       GIT_OBJECT_BLOB, NULL) == 0 &&
		       git_oid_equal(&taken_in, id);
	git_filter_list_free(filters);
	return same;
}

/* Whether it is recorded as a stub and has the size of what was committed. */
static bool is_stub_of(
	const struct search *search, const struct entry *entry, const git_oid *id)
{
	_cleanup_git_(odb) git_odb *odb = NULL;
	_cleanup_free_ char *text = NULL;
	git_object_t type;
	git_oid stub;
	size_t size;

	if (!may_be_stub(search->taking, entry))
		return false;
	text = stub_text(entry->stat.size, (time_t)(entry->stat.mtime_ns / 1000000000));
	return git_odb_hash(&stub, text, strlen(text), GIT_OBJECT_BLOB) == 0 &&
	       git_oid_equal(&stub, &entry->id) &&
	       git_repository_odb(&odb, search->repository) == 0 &&
	       git_odb_read_header(&size, &type, odb, id) == 0 &&
	       size == entry->stat.size;
}

static int open_index(struct search *search)
{
	struct stat status;

	if (search->index)
		return 0;
	if (git_repository_index(&search->index, search->repository) < 0)
		return -1;
	if (stat(git_index_path(search->index), &status) == 0)
		search->index_ns = clock_nanoseconds(&status.st_mtim);
	return 0;
}

/* Whether git's index says that the file is as git checked it out. (git would also
 * compare the content if file and index have the same time; we do not.) */
static bool is_untouched(
	struct search *search, const struct entry *entry, const git_oid *id)
{
	const struct file_stat *file = &entry->stat;
	const git_index_entry *known;

	if (!path_has_program(search->repository, entry->path) || open_index(search) < 0)
		return false;
	known = git_index_get_bypath(search->index, entry->path, 0);
	return known && git_oid_equal(&known->id, id) &&
	       known->file_size == (uint32_t)file->size &&
	       known->ino == (uint32_t)file->inode &&
	       known->mtime.seconds == (int32_t)(file->mtime_ns / 1000000000) &&
	       known->mtime.nanoseconds == (uint32_t)(file->mtime_ns % 1000000000) &&
	       file->mtime_ns <= search->index_ns;
}

/* A git_treewalk_cb. */
static int add_file(const char *directory, const git_tree_entry *committed, void *data)
{
	struct search *search = data;
	_cleanup_free_ char *path =
		xasprintf("%s%s", directory, git_tree_entry_name(committed));
	const uint32_t mode = git_tree_entry_filemode(committed);
	const git_oid *id = git_tree_entry_id(committed);
	const struct entry *entry = entries_find(&search->taking->entries, path);

	if (mode == GIT_FILEMODE_TREE)
		return 0;
	if (entry && entry->mode == mode && S_ISREG(mode) &&
		!git_oid_equal(&entry->id, id) &&
		(is_stub_of(search, entry, id) || has_content(search, path, id) ||
			is_untouched(search, entry, id))) {
		search->found++;
		id = &entry->id;
	}
	entries_add(&search->entries, path, mode, id, NULL);
	return 0;
}

int filtered_tree(git_oid *ret, const struct taking *taking, git_repository *repository)
{
	struct search search = {.taking = taking, .repository = repository};
	_cleanup_git_(commit) git_commit *head = NULL;
	_cleanup_git_(tree) git_tree *tree = NULL;
	int result = 0;

	*ret = (git_oid){0};
	if (!may_be_filtered(&search) || repository_head(&head, repository) <= 0)
		return 0;
	if (git_commit_tree(&tree, head) < 0 ||
		git_tree_walk(tree, GIT_TREEWALK_PRE, add_file, &search) < 0)
		result = git_failed("cannot read what was committed");
	else if (search.found)
		result = entries_build_tree(&search.entries, taking->worker, ret);
	entries_free(&search.entries);
	git_index_free(search.index);
	return result;
}
