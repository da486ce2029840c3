/* Copies the tree of a commit (a pinned flake's, or HEAD's beside a dirty one): the
 * record must survive git gc in the user's repository. */
#include "snapshot/taking.h"

#include "base/message.h"

/* No files on disk are deeper: a path has at most 4096 bytes (PATH_MAX). */
#define DEPTH_MAX 2048u

static int send_copy(struct worker *worker, git_odb *from, const git_oid *id)
{
	_cleanup_git_(odb_object) git_odb_object *object = NULL;
	git_oid copy;

	if (git_odb_read(&object, from, id) < 0)
		return git_failed("cannot read the commit's files");
	return send_object(worker, git_odb_object_data(object),
		git_odb_object_size(object), git_odb_object_type(object), &copy);
}

static int copy_tree(struct worker *worker, git_repository *repository, git_odb *from,
	const git_oid *id, unsigned depth)
{
	_cleanup_git_(tree) git_tree *tree = NULL;

	if (depth > DEPTH_MAX)
		return error(
			"the commit has directories more than %u levels deep", DEPTH_MAX);
	if (receiver_has(worker, id))
		return 0;
	if (git_tree_lookup(&tree, repository, id) < 0)
		return git_failed("cannot read the commit's files");
	for (size_t i = 0; i < git_tree_entrycount(tree); i++) {
		const git_tree_entry *entry = git_tree_entry_byindex(tree, i);
		git_object_t type = git_tree_entry_type(entry);
		int result = 0;

		if (type == GIT_OBJECT_TREE)
			result = copy_tree(worker, repository, from,
				git_tree_entry_id(entry), depth + 1);
		else if (type == GIT_OBJECT_BLOB &&
			 !receiver_has(worker, git_tree_entry_id(entry)))
			result = send_copy(worker, from, git_tree_entry_id(entry));
		if (result < 0)
			return -1;
	}
	return send_copy(worker, from, id);
}

int take_commit(git_oid *ret, struct worker *worker, git_repository *repository,
	const git_oid *tree)
{
	_cleanup_git_(odb) git_odb *odb = NULL;

	if (git_repository_odb(&odb, repository) < 0)
		return git_failed("cannot read the repository");
	*ret = *tree;
	return copy_tree(worker, repository, odb, tree, 0);
}
