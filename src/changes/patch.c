#include "changes/patch.h"

#include "base/memory.h"

/* git_strarray's strings are not const, and not written to. */
static git_strarray to_strarray(char *const *paths, size_t len)
{
	git_strarray array = {.count = len};

	memcpy(&array.strings, &paths, sizeof(array.strings));
	return array;
}

int patch_make(char **ret, size_t *ret_len, struct ledger *ledger,
	const git_oid *old_tree, const git_oid *new_tree, char *const *paths,
	size_t paths_len)
{
	_cleanup_git_(tree) git_tree *old = NULL, *new = NULL;
	_cleanup_git_(diff) git_diff *diff = NULL;
	git_diff_options options = GIT_DIFF_OPTIONS_INIT;
	git_buf text = {0};

	options.flags = GIT_DIFF_SHOW_BINARY | GIT_DIFF_DISABLE_PATHSPEC_MATCH;
	options.id_abbrev = GIT_OID_HEXSZ;
	if (paths_len)
		options.pathspec = to_strarray(paths, paths_len);
	if ((old_tree && git_tree_lookup(&old, ledger->repository, old_tree) < 0) ||
		git_tree_lookup(&new, ledger->repository, new_tree) < 0 ||
		git_diff_tree_to_tree(&diff, ledger->repository, old, new, &options) <
			0 ||
		git_diff_to_buf(&text, diff, GIT_DIFF_FORMAT_PATCH) < 0)
		return git_failed("cannot compare two snapshots");
	*ret = xcalloc(text.size + 1, 1);
	if (text.size)
		memcpy(*ret, text.ptr, text.size);
	*ret_len = text.size;
	git_buf_dispose(&text);
	return 0;
}
