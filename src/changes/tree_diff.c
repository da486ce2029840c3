#include "changes/tree_diff.h"

#include <sys/stat.h>

#include "base/memory.h"
#include "base/message.h"
#include "snapshot/stub.h"

/* The entry at this index; NULL: there are no more, or there is no such directory. */
static const git_tree_entry *entry_at(const git_tree *directory, size_t index)
{
	return directory ? git_tree_entry_byindex(directory, index) : NULL;
}

/* entry may be NULL. */
static bool is_tree(const git_tree_entry *entry)
{
	return entry && git_tree_entry_type(entry) == GIT_OBJECT_TREE;
}

static int diff_directories(struct path_changes *changes, git_repository *repository,
	const char *prefix, const git_oid *old_id, const git_oid *new_id);

/* A name whose entry differs; NULL: that side has none. */
static int diff_entries(struct path_changes *changes, git_repository *repository,
	const char *prefix, const git_tree_entry *old, const git_tree_entry *new)
{
	static const git_oid nothing;
	const bool is_directory = is_tree(old) || is_tree(new);
	_cleanup_free_ char *path = xasprintf("%s%s%s", prefix,
		git_tree_entry_name(old ? old : new), is_directory ? "/" : "");

	if (is_directory)
		return diff_directories(changes, repository, path,
			is_tree(old) ? git_tree_entry_id(old) : NULL,
			is_tree(new) ? git_tree_entry_id(new) : NULL);
	*list_add(changes->list, changes->len) = (struct path_change){
		.path = TAKE_PTR(path),
		.old_mode = old ? (uint32_t)git_tree_entry_filemode(old) : 0,
		.new_mode = new ? (uint32_t)git_tree_entry_filemode(new) : 0,
		.old_id = old ? *git_tree_entry_id(old) : nothing,
		.new_id = new ? *git_tree_entry_id(new) : nothing,
	};
	return 0;
}

static int diff_directories(struct path_changes *changes, git_repository *repository,
	const char *prefix, const git_oid *old_id, const git_oid *new_id)
{
	_cleanup_git_(tree) git_tree *old = NULL, *new = NULL;
	size_t old_at = 0, new_at = 0;

	if (old_id && new_id && git_oid_equal(old_id, new_id))
		return 0;
	if ((old_id && git_tree_lookup(&old, repository, old_id) < 0) ||
		(new_id && git_tree_lookup(&new, repository, new_id) < 0))
		return git_failed("cannot read a snapshot");
	for (;;) {
		const git_tree_entry *a = entry_at(old, old_at);
		const git_tree_entry *b = entry_at(new, new_at);
		int order;

		if (!a && !b)
			return 0;
		order = !a ? 1 : !b ? -1 : git_tree_entry_cmp(a, b);
		old_at += order <= 0;
		new_at += order >= 0;
		if (order == 0 &&
			git_oid_equal(git_tree_entry_id(a), git_tree_entry_id(b)) &&
			git_tree_entry_filemode(a) == git_tree_entry_filemode(b))
			continue;
		if (diff_entries(changes, repository, prefix, order <= 0 ? a : NULL,
			    order >= 0 ? b : NULL) < 0)
			return -1;
	}
}

int tree_diff(struct path_changes *ret, git_repository *repository,
	const git_oid *old_tree, const git_oid *new_tree)
{
	*ret = (struct path_changes){0};
	return diff_directories(ret, repository, "", old_tree, new_tree);
}

void path_changes_free(struct path_changes *changes)
{
	for (size_t i = 0; i < changes->len; i++)
		free(changes->list[i].path);
	free(changes->list);
	*changes = (struct path_changes){0};
}

static int compare_path(const void *path, const void *change)
{
	return strcmp(path, ((const struct path_change *)change)->path);
}

const struct path_change *path_changes_find(
	const struct path_changes *changes, const char *path)
{
	return changes->len ? bsearch(path, changes->list, changes->len,
				      sizeof(*changes->list), compare_path)
			    : NULL;
}

char path_change_letter(const struct path_change *change)
{
	if (!change->old_mode)
		return 'A';
	if (!change->new_mode)
		return 'D';
	return (change->old_mode & S_IFMT) == (change->new_mode & S_IFMT) ? 'M' : 'T';
}

struct left_out {
	git_repository *repository;
	size_t count;
	char *example;
};

/* A git_diff_notify_cb. Applying a patch with a stub would make it the file's content. */
static int leave_out_stub(const git_diff *diff, const git_diff_delta *delta,
	const char *pathspec, void *data)
{
	struct left_out *left_out = data;

	(void)diff;
	(void)pathspec;
	if (!stub_is_at(left_out->repository, &delta->old_file.id) &&
		!stub_is_at(left_out->repository, &delta->new_file.id))
		return 0;
	left_out->count++;
	set_string(&left_out->example, xstrdup(delta->new_file.path));
	return 1;
}

int patch_make(struct strbuf *out, struct ledger *ledger, const git_oid *old_tree,
	const git_oid *new_tree, char **paths, size_t paths_len)
{
	_cleanup_git_(tree) git_tree *old = NULL, *new = NULL;
	_cleanup_git_(diff) git_diff *diff = NULL;
	git_diff_options options = GIT_DIFF_OPTIONS_INIT;
	struct left_out left_out = {.repository = ledger->repository};
	git_buf text = {0};

	options.flags = GIT_DIFF_SHOW_BINARY | GIT_DIFF_DISABLE_PATHSPEC_MATCH;
	options.id_abbrev = GIT_OID_HEXSZ;
	options.notify_cb = leave_out_stub;
	options.payload = &left_out;
	options.pathspec = (git_strarray){paths, paths_len};
	if ((old_tree && git_tree_lookup(&old, ledger->repository, old_tree) < 0) ||
		git_tree_lookup(&new, ledger->repository, new_tree) < 0 ||
		git_diff_tree_to_tree(&diff, ledger->repository, old, new, &options) <
			0 ||
		git_diff_to_buf(&text, diff, GIT_DIFF_FORMAT_PATCH) < 0)
		return git_failed("cannot compare two snapshots");
	if (left_out.count)
		say("left out of the patch, because their content is not recorded: %zu "
		    "of the files, such as '%s'",
			left_out.count, left_out.example);
	free(left_out.example);
	strbuf_add(out, text.ptr, text.size);
	git_buf_dispose(&text);
	return 0;
}
