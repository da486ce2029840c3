#include "changes/tree_diff.h"

#include <sys/stat.h>

#include "base/memory.h"
#include "base/message.h"
#include "snapshot/stub.h"

struct side {
	git_tree *tree; /* NULL: there is no such directory */
	size_t at, len;
};

static void side_free(struct side *side)
{
	git_tree_free(side->tree);
}

static int side_open(struct side *ret, git_repository *repository, const git_oid *id)
{
	*ret = (struct side){0};
	if (!id)
		return 0;
	if (git_tree_lookup(&ret->tree, repository, id) < 0)
		return git_failed("cannot read a snapshot");
	ret->len = git_tree_entrycount(ret->tree);
	return 0;
}

static const git_tree_entry *side_entry(const struct side *side)
{
	return side->at < side->len ? git_tree_entry_byindex(side->tree, side->at) : NULL;
}

static bool is_tree(const git_tree_entry *entry)
{
	return git_tree_entry_type(entry) == GIT_OBJECT_TREE;
}

/* git's order of entries: as if a directory's name ended in a slash. */
static int compare_entries(const git_tree_entry *a, const git_tree_entry *b)
{
	const char *name_a = git_tree_entry_name(a), *name_b = git_tree_entry_name(b);
	size_t len_a = strlen(name_a), len_b = strlen(name_b);
	size_t shorter = len_a < len_b ? len_a : len_b;
	int order = memcmp(name_a, name_b, shorter);
	unsigned char next_a, next_b;

	if (order)
		return order;
	next_a = name_a[shorter] ? (unsigned char)name_a[shorter] : is_tree(a) ? '/' : 0;
	next_b = name_b[shorter] ? (unsigned char)name_b[shorter] : is_tree(b) ? '/' : 0;
	return next_a - next_b;
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
	const git_tree_entry *old_tree = old && is_tree(old) ? old : NULL;
	const git_tree_entry *new_tree = new &&is_tree(new) ? new : NULL;
	_cleanup_free_ char *path = NULL;

	if (old_tree || new_tree) {
		path = xasprintf("%s%s/", prefix, name);
		return diff_directories(changes, repository, path,
			old_tree ? git_tree_entry_id(old_tree) : NULL,
			new_tree ? git_tree_entry_id(new_tree) : NULL);
	}
	path = xasprintf("%s%s", prefix, name);
	add_change(changes, path, old, new);
	return 0;
}

static int diff_directories(struct path_changes *changes, git_repository *repository,
	const char *prefix, const git_oid *old_id, const git_oid *new_id)
{
	_cleanup_(side_free) struct side old = {0}, new = {0};

	if (old_id && new_id && git_oid_equal(old_id, new_id))
		return 0;
	if (side_open(&old, repository, old_id) < 0 ||
		side_open(&new, repository, new_id) < 0)
		return -1;
	for (;;) {
		const git_tree_entry *a = side_entry(&old), *b = side_entry(&new);
		int order;

		if (!a && !b)
			return 0;
		order = !a ? 1 : !b ? -1 : compare_entries(a, b);
		if (order <= 0)
			old.at++;
		if (order >= 0)
			new.at++;
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

bool path_changes_have(const struct path_changes *changes, const char *path)
{
	return changes->len && bsearch(path, changes->list, changes->len,
				       sizeof(*changes->list), compare_path);
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
