/* A flake pinned to a commit: its tree is copied, for the record must outlive git gc. */
#include "ledger/git.h"
#include "snapshot/taking.h"

static int copy_object(struct objects *objects, git_odb *from, const git_oid *id)
{
	_cleanup_git_(odb_object) git_odb_object *object = NULL;
	git_oid copy;

	if (objects_have(objects, id))
		return 0;
	if (git_odb_read(&object, from, id) < 0)
		return git_failed("cannot read the commit's files");
	return objects_add(objects, git_odb_object_data(object),
		git_odb_object_size(object), git_odb_object_type(object), &copy);
}

static int copy_tree(struct objects *objects, git_repository *repository, git_odb *from,
	const git_oid *id)
{
	_cleanup_git_(tree) git_tree *tree = NULL;

	if (objects_have(objects, id))
		return 0;
	if (git_tree_lookup(&tree, repository, id) < 0)
		return git_failed("cannot read the commit's files");
	for (size_t i = 0; i < git_tree_entrycount(tree); i++) {
		const git_tree_entry *entry = git_tree_entry_byindex(tree, i);
		git_object_t type = git_tree_entry_type(entry);
		int result = 0;

		if (type == GIT_OBJECT_TREE)
			result = copy_tree(
				objects, repository, from, git_tree_entry_id(entry));
		else if (type == GIT_OBJECT_BLOB)
			result = copy_object(objects, from, git_tree_entry_id(entry));
		if (result < 0)
			return -1;
	}
	return copy_object(objects, from, id);
}

int take_commit(git_oid *ret, struct objects *objects, git_repository *repository,
	const git_oid *tree)
{
	_cleanup_git_(odb) git_odb *odb = NULL;

	if (git_repository_odb(&odb, repository) < 0)
		return git_failed("cannot read the repository");
	*ret = *tree;
	return copy_tree(objects, repository, odb, tree);
}
