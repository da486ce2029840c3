#include "changes/tree_diff.h"

#include <sys/stat.h>

#include "base/memory.h"
#include "base/message.h"
#include "snapshot/stub.h"

static int open_tree(git_tree **ret, git_repository *repository, const git_oid *id)
{
	if (id && git_tree_lookup(ret, repository, id) < 0)
		return git_failed("cannot read a snapshot");
	return 0;
}

/* NULL behind the last one, and where there is no tree. */
static const git_tree_entry *entry_at(const git_tree *tree, size_t index)
{
	return tree ? git_tree_entry_byindex(tree, index) : NULL;
}

static const git_oid *id_of_tree(const git_tree_entry *entry)
{
	return entry && git_tree_entry_type(entry) == GIT_OBJECT_TREE
		       ? git_tree_entry_id(entry)
		       : NULL;
}

static void add_change(struct path_changes *changes, const char *path,
	const git_tree_entry *old, const git_tree_entry *new)
{
	struct path_change *change;

	change = list_add(changes->list, changes->len);
	*change = (struct path_change){.path = xstrdup(path)};
	if (old) {
		change->old_mode = git_tree_entry_filemode(old);
		change->old_id = *git_tree_entry_id(old);
	}
	if (new) {
		change->new_mode = git_tree_entry_filemode(new);
		change->new_id = *git_tree_entry_id(new);
	}
}

static int diff_directories(struct path_changes *changes, git_repository *repository,
	const char *prefix, const git_oid *old_id, const git_oid *new_id);

/* A name whose entry differs; NULL: that side has none. */
static int diff_entries(struct path_changes *changes, git_repository *repository,
	const char *prefix, const git_tree_entry *old, const git_tree_entry *new)
{
	const char *name = git_tree_entry_name(old ? old : new);
	const git_oid *old_tree = id_of_tree(old), *new_tree = id_of_tree(new);
	_cleanup_free_ char *path = NULL;

	if (old_tree || new_tree) {
		path = xasprintf("%s%s/", prefix, name);
		return diff_directories(changes, repository, path, old_tree, new_tree);
	}
	path = xasprintf("%s%s", prefix, name);
	add_change(changes, path, old, new);
	return 0;
}

static int diff_directories(struct path_changes *changes, git_repository *repository,
	const char *prefix, const git_oid *old_id, const git_oid *new_id)
{
	_cleanup_git_(tree) git_tree *old = NULL, *new = NULL;
	size_t old_at = 0, new_at = 0;

	if (old_id && new_id && git_oid_equal(old_id, new_id))
		return 0;
	if (open_tree(&old, repository, old_id) < 0 ||
		open_tree(&new, repository, new_id) < 0)
		return -1;
	for (;;) {
		const git_tree_entry *a = entry_at(old, old_at),
				     *b = entry_at(new, new_at);
		int order;

		if (!a && !b)
			return 0;
		order = !a ? 1 : !b ? -1 : git_tree_entry_cmp(a, b);
		if (order <= 0)
			old_at++;
		if (order >= 0)
			new_at++;
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

/* git_strarray's strings are not const, and not written to. */
static git_strarray to_strarray(char *const *paths, size_t len)
{
	git_strarray array = {.count = len};

	memcpy(&array.strings, &paths, sizeof(array.strings));
	return array;
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

int patch_make(char **ret, size_t *ret_len, struct ledger *ledger,
	const git_oid *old_tree, const git_oid *new_tree, char *const *paths,
	size_t paths_len)
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
	if (paths_len)
		options.pathspec = to_strarray(paths, paths_len);
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
	*ret = xcalloc(text.size + 1, 1);
	if (text.size)
		memcpy(*ret, text.ptr, text.size);
	*ret_len = text.size;
	git_buf_dispose(&text);
	return 0;
}
