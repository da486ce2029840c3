#include "guard/history.h"

#include "base/memory.h"
#include "guard/compare.h"
#include "snapshot/repository.h"

/* At most this many commits are read, of each side. */
#define COMMITS_MAX 500
/* What git revert writes before the commit's id. */
#define REVERTS "This reverts commit "
/* The most reverts that one message may name, and the fewest digits of an id. */
#define REVERTS_MAX 20
#define ABBREVIATED_MIN 7

/* Lets the repository see the objects of the checkout at root, which is opened. */
static int add_checkout(git_repository **ret, struct history *history, const char *root)
{
	_cleanup_git_(odb) git_odb *odb = NULL;
	_cleanup_free_ char *objects = NULL;

	if (repository_open(ret, root) < 0)
		return -1;
	objects = xasprintf("%sobjects", git_repository_commondir(*ret));
	if (git_repository_odb(&odb, history->repository) < 0 ||
		git_odb_add_disk_alternate(odb, objects) < 0)
		return git_failed("cannot read '%s'", objects);
	return 0;
}

bool history_tree(git_oid *ret, const struct history *history, const git_oid *id)
{
	_cleanup_git_(commit) git_commit *commit = NULL;

	if (git_oid_is_zero(id) ||
		git_commit_lookup(&commit, history->repository, id) < 0)
		return false;
	*ret = *git_commit_tree_id(commit);
	return true;
}

static void find_base(struct history *history)
{
	git_oid commit;

	if (history->live_is_known && !git_oid_is_zero(&history->head) &&
		git_merge_base(&commit, history->repository, &history->live,
			&history->head) == 0)
		(void)history_tree(&history->base, history, &commit);
}

int history_open(struct history *ret, git_repository *repository, const char *root,
	const char *live_root, const git_oid *head, const git_oid *live)
{
	_cleanup_git_(repository) git_repository *other = NULL;
	git_oid tree;

	*ret = (struct history){.repository = repository, .head = *head, .live = *live};
	if (!root) {
		/* Without commits, none can be missing. */
		ret->has_live = true;
		return 0;
	}
	if (add_checkout(&ret->checkout, ret, root) < 0)
		return -1;
	ret->live_is_known = history_tree(&tree, ret, live);
	if (!ret->live_is_known && live_root && add_checkout(&other, ret, live_root) == 0)
		ret->live_is_known = history_tree(&tree, ret, live);
	ret->has_live = ret->live_is_known &&
			(git_oid_equal(head, live) ||
				git_graph_descendant_of(repository, head, live) == 1);
	if (!ret->has_live)
		find_base(ret);
	return 0;
}

void history_close(struct history *history)
{
	git_repository_free(history->checkout);
}

/* Walks the commits of from that are not in without, newest first. If without is gone, it
 * is ignored. */
static git_revwalk *walk(
	const struct history *history, const git_oid *from, const git_oid *without)
{
	_cleanup_git_(revwalk) git_revwalk *walk = NULL;

	if (git_oid_is_zero(from) || git_revwalk_new(&walk, history->repository) < 0)
		return NULL;
	git_revwalk_sorting(walk, GIT_SORT_TOPOLOGICAL | GIT_SORT_TIME);
	if (git_revwalk_push(walk, from) < 0)
		return NULL;
	if (!git_oid_is_zero(without))
		(void)git_revwalk_hide(walk, without);
	return TAKE_PTR(walk);
}

/* Sets the items' .delta to what the commit changed against its first parent. */
static bool compare_with_parent(
	const struct history *history, struct items *items, git_commit *commit)
{
	git_oid before;

	return git_commit_parentcount(commit) &&
	       history_tree(&before, history, git_commit_parent_id(commit, 0)) &&
	       items_compare(items, history->repository, &before,
		       git_commit_tree_id(commit), NULL, NULL) == 0;
}

/* The same, but fails for a merge. */
static bool compare_commit(
	const struct history *history, struct items *items, git_commit *commit)
{
	return git_commit_parentcount(commit) == 1 &&
	       compare_with_parent(history, items, commit);
}

/* Whether the trees compared last lost the item, or (a returned one) got it back. */
static bool is_done(const struct item *item)
{
	return item->is_lost ? item->delta < 0 : item->delta > 0;
}

/* The opposite: they got it, or (a returned one) lost it. */
static bool is_undone(const struct item *item)
{
	return item->is_lost ? item->delta > 0 : item->delta < 0;
}

/* The commit whose id, which may be abbreviated, the text begins with; NULL: none. */
static git_commit *find_commit(const struct history *history, const char *text)
{
	git_commit *commit;
	git_oid id;
	size_t len = strspn(text, "0123456789abcdef");

	if (len < ABBREVIATED_MIN || len > GIT_OID_HEXSZ)
		return NULL;
	return git_oid_fromstrn(&id, text, len) == 0 &&
			       git_commit_lookup_prefix(
				       &commit, history->repository, &id, len) == 0
		       ? commit
		       : NULL;
}

/* Marks what the commit undid of what the reverted commit had done. */
static void mark_reverted(const struct history *history, struct items *items,
	git_commit *commit, git_commit *reverted)
{
	_cleanup_free_ bool *named = xcalloc(items->len, sizeof(bool));

	if (!compare_with_parent(history, items, reverted))
		return;
	for (size_t i = 0; i < items->len; i++)
		named[i] = is_undone(&items->list[i]);
	if (!compare_commit(history, items, commit))
		return;
	for (size_t i = 0; i < items->len; i++)
		items->list[i].is_reverted |= named[i] && is_done(&items->list[i]);
}

/* Does that for each commit that this one says it reverts. */
static void mark_revert(
	const struct history *history, struct items *items, git_commit *commit)
{
	const char *at = git_commit_message(commit);

	for (int i = 0; i < REVERTS_MAX && (at = strstr(at, REVERTS)); i++) {
		_cleanup_git_(commit) git_commit *reverted = NULL;

		at += strlen(REVERTS);
		reverted = find_commit(history, at);
		if (reverted)
			mark_reverted(history, items, commit, reverted);
	}
}

/* A revert may have been reverted itself: it counts only if HEAD is without the line (or
 * has the returned one). */
static void keep_standing(
	const struct history *history, struct items *items, const git_oid *live)
{
	bool any = false;
	git_oid head;

	for (size_t i = 0; i < items->len; i++)
		any = any || items->list[i].is_reverted;
	if (!any || !history_tree(&head, history, &history->head) ||
		items_compare(items, history->repository, live, &head, NULL, NULL) < 0)
		return;
	for (size_t i = 0; i < items->len; i++)
		items->list[i].is_reverted &= is_done(&items->list[i]);
}

/* The paths that the commit changes; false for a merge or a first commit. */
static bool changed_paths(
	struct path_changes *ret, const struct history *history, git_commit *commit)
{
	git_oid before;

	return git_commit_parentcount(commit) == 1 &&
	       history_tree(&before, history, git_commit_parent_id(commit, 0)) &&
	       tree_diff(ret, history->repository, &before, git_commit_tree_id(commit)) ==
		       0;
}

/* How much more often the commit has each line than its parent. */
static bool added_lines(
	struct counts *ret, const struct history *history, git_commit *commit)
{
	_cleanup_path_changes_ struct path_changes changes = {0};

	if (!changed_paths(&changes, history, commit))
		return false;
	for (size_t i = 0; i < changes.len; i++) {
		const struct path_change *change = &changes.list[i];
		_cleanup_git_(blob) git_blob *from = NULL, *to = NULL;
		_cleanup_lines_ struct lines from_lines = {0}, to_lines = {0};

		if (change_texts(&from, &to, history->repository, change) < 0)
			return false;
		lines_split(&from_lines, change->path, from);
		lines_split(&to_lines, change->path, to);
		counts_add_lines(ret, &from_lines, -1);
		counts_add_lines(ret, &to_lines, 1);
	}
	return true;
}

static bool share_a_line(const struct history *history, git_commit *a, git_commit *b)
{
	_cleanup_counts_ struct counts one = {0}, other = {0};

	if (!added_lines(&one, history, a) || !added_lines(&other, history, b))
		return false;
	for (size_t i = 0; i < one.room; i++)
		if (one.slots[i].value > 0 && counts_get(&other, one.slots[i].hash) > 0)
			return true;
	return false;
}

/*
 * Whether the commit was made in the caller's checkout, as git's log of HEAD tells
 * (git-reflog(1)): "commit (amend): ...", "rebase (pick): ...". What came with a fetch
 * was made elsewhere: "pull: Fast-forward", "rebase (start): checkout ...".
 */
static bool was_made_here(const struct history *history, const git_oid *commit)
{
	static const char *const makings[] = {"commit", "cherry-pick", "(pick)",
		"(reword)", "(edit)", "(squash)", "(fixup)", "(continue)"};
	_cleanup_git_(reflog) git_reflog *reflog = NULL;

	/* Without such a log it may have been. */
	if (!history->checkout ||
		git_reflog_read(&reflog, history->checkout, "HEAD") < 0 ||
		!git_reflog_entrycount(reflog))
		return true;
	for (size_t i = 0; i < git_reflog_entrycount(reflog); i++) {
		const git_reflog_entry *entry = git_reflog_entry_byindex(reflog, i);
		const char *message = git_reflog_entry_message(entry);

		if (!message || !git_oid_equal(git_reflog_entry_id_new(entry), commit))
			continue;
		for (size_t j = 0; j < ARRAY_LEN(makings); j++)
			if (memmem(message, strcspn(message, ":"), makings[j],
				    strlen(makings[j])))
				return true;
	}
	return false;
}

static bool share_their_parent(git_commit *a, git_commit *b)
{
	return git_commit_parentcount(a) && git_commit_parentcount(b) &&
	       git_oid_equal(git_commit_parent_id(a, 0), git_commit_parent_id(b, 0));
}

static bool share_their_subject(git_commit *a, git_commit *b)
{
	const char *one = git_commit_summary(a), *other = git_commit_summary(b);

	return one && other && streq(one, other);
}

/*
 * Whether commit b is commit a amended or rebased. Both keep the author and the author's
 * time, and the committer's time tells which is newer. But scripts may commit more than
 * once in a second, so the parent, the subject or an added line must agree as well.
 */
static bool is_twin(const struct history *history, git_commit *a, git_commit *b)
{
	const git_signature *one = git_commit_author(a), *other = git_commit_author(b);
	/* Somebody else may have amended it without asking: that does not count. */
	const git_signature *one_by = git_commit_committer(a),
			    *other_by = git_commit_committer(b);

	return one->when.time == other->when.time && streq(one->name, other->name) &&
	       streq(one->email, other->email) && streq(one_by->email, other_by->email) &&
	       git_commit_time(b) > git_commit_time(a) &&
	       (share_their_parent(a, b) || share_their_subject(a, b) ||
		       share_a_line(history, a, b)) &&
	       (history->trusts_checkout || !was_made_here(history, git_commit_id(b)));
}

/* What the commit did: all of it where there is no doubt that they are the same, else
 * what it did in the files that its twin changes too. */
static void mark_by_twin(const struct history *history, struct items *items,
	git_commit *commit, git_commit *twin)
{
	const bool same =
		share_their_subject(commit, twin) && share_a_line(history, commit, twin);
	_cleanup_path_changes_ struct path_changes changes = {0};

	if (!changed_paths(&changes, history, twin) ||
		!compare_commit(history, items, commit))
		return;
	for (size_t i = 0; i < items->len; i++) {
		struct item *item = &items->list[i];

		item->is_rewritten |=
			is_undone(item) &&
			(same || path_changes_find(&changes, item_path(items, item)));
	}
}

/* Commits that only HEAD has: marks what they revert, lists them as possible twins. */
static size_t read_own(
	const struct history *history, struct items *items, git_commit *own[COMMITS_MAX])
{
	_cleanup_git_(revwalk) git_revwalk *commits =
		walk(history, &history->head, &history->live);
	size_t len = 0;
	git_oid id;

	while (commits && len < COMMITS_MAX && git_revwalk_next(&id, commits) == 0) {
		git_commit *commit;

		if (git_commit_lookup(&commit, history->repository, &id) < 0)
			break;
		mark_revert(history, items, commit);
		own[len++] = commit;
	}
	return len;
}

/* Commits that only live has: marks what those did that have a twin in HEAD. */
static void mark_rewritten(const struct history *history, struct items *items,
	git_commit *own[COMMITS_MAX], size_t len)
{
	_cleanup_git_(revwalk) git_revwalk *commits =
		walk(history, &history->live, &history->head);
	git_oid id;

	for (size_t i = 0; commits && i < COMMITS_MAX; i++) {
		_cleanup_git_(commit) git_commit *commit = NULL;
		size_t twin = 0;

		if (git_revwalk_next(&id, commits) != 0 ||
			git_commit_lookup(&commit, history->repository, &id) < 0)
			break;
		while (twin < len && !is_twin(history, commit, own[twin]))
			twin++;
		if (twin < len)
			mark_by_twin(history, items, commit, own[twin]);
	}
}

void history_mark(const struct history *history, struct items *items, const git_oid *live)
{
	git_commit *own[COMMITS_MAX];
	size_t len;

	if (!items->len || git_oid_is_zero(&history->head) || !history->live_is_known)
		return;
	len = read_own(history, items, own);
	keep_standing(history, items, live);
	if (!history->has_live)
		mark_rewritten(history, items, own, len);
	for (size_t i = 0; i < len; i++)
		git_commit_free(own[i]);
}
