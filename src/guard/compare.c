#include "guard/compare.h"

#include <fnmatch.h>
#include <inttypes.h>

#include "base/memory.h"
#include "base/message.h"
#include "base/worker.h"
#include "changes/tree_diff.h"
#include "guard/three_way.h"
#include "ledger/builds.h"
#include "snapshot/repository.h"

#define DEADLINE_MS 30000
/* Commits that are looked at for all paths together. */
#define LOOKS_MAX 20000
/* So many that [guard] ignore has are named. */
#define IGNORED_MAX 20

/* In the worker. */
struct judge {
	const struct comparison *comparison;
	struct ledger ledger; /* its repository also sees the user's objects */
	enum ancestor ancestor;
	git_oid base_commit;    /* for ANCESTOR_COMMON */
	git_oid base;           /* tree */
	git_oid live;           /* tree */
	git_oid live_committed; /* tree of the live commit; zero: not known */
	uint64_t base_build;    /* for ANCESTOR_BUILD */
	git_repository *user;   /* the caller's; NULL: no git */
	bool from_elsewhere;
	unsigned looks_left, ignored;
};

bool compare_ignores(const struct settings *settings, const char *path)
{
	for (size_t i = 0; i < settings->guard_ignore.len; i++)
		if (fnmatch(settings->guard_ignore.words[i], path, 0) == 0)
			return true;
	return false;
}

/* From now on the judge also sees the objects of the checkout at root. */
static int add_checkout(struct judge *judge, const char *root, git_repository **ret)
{
	_cleanup_git_(repository) git_repository *user = NULL;
	_cleanup_git_(odb) git_odb *odb = NULL;
	_cleanup_free_ char *objects = NULL;

	if (repository_open(&user, root) < 0)
		return -1;
	objects = xasprintf("%sobjects", git_repository_commondir(user));
	if (git_repository_odb(&odb, judge->ledger.repository) < 0 ||
		git_odb_add_disk_alternate(odb, objects) < 0)
		return git_failed("cannot read '%s'", objects);
	if (ret)
		*ret = TAKE_PTR(user);
	return 0;
}

static int open_ledger_and_checkout(struct judge *judge)
{
	const struct comparison *comparison = judge->comparison;
	_cleanup_free_ char *path = ledger_path(comparison->settings);

	if (git_repository_open_bare(&judge->ledger.repository, path) < 0)
		return git_failed("cannot read the ledger '%s'", path);
	return comparison->root ? add_checkout(judge, comparison->root, &judge->user) : 0;
}

static bool tree_of_commit(git_oid *ret, const struct judge *judge, const git_oid *id)
{
	_cleanup_git_(commit) git_commit *commit = NULL;

	if (git_oid_is_zero(id) ||
		git_commit_lookup(&commit, judge->ledger.repository, id) < 0)
		return false;
	*ret = *git_commit_tree_id(commit);
	return true;
}

/* Errors (a shallow clone lacks parents) mean that it is not known. */
static bool is_in_history(const struct judge *judge, const git_oid *commit)
{
	const git_oid *head = &judge->comparison->head;

	return git_oid_equal(head, commit) ||
	       git_graph_descendant_of(judge->ledger.repository, head, commit) == 1;
}

static bool find_merge_base(struct judge *judge)
{
	const struct comparison *comparison = judge->comparison;

	return !git_oid_is_zero(&judge->live_committed) &&
	       !git_oid_is_zero(&comparison->head) &&
	       git_merge_base(&judge->base_commit, judge->ledger.repository,
		       &comparison->live_commit, &comparison->head) == 0 &&
	       tree_of_commit(&judge->base, judge, &judge->base_commit);
}

/* What was committed of a build: of a dirty one that is recorded apart. */
static bool committed_tree(
	git_oid *ret, const struct judge *judge, const struct build *build)
{
	*ret = build->config_state == CONFIG_CLEAN ? build->tree : build->config_tree;
	return !git_oid_is_zero(ret) && ledger_has(&judge->ledger, ret);
}

static bool is_ancestor(struct judge *judge, const struct build *build)
{
	return !git_oid_is_zero(&build->config_commit) &&
	       is_in_history(judge, &build->config_commit) &&
	       committed_tree(&judge->base, judge, build);
}

/* The newest build whose commit HEAD has. */
static bool find_build_in_history(struct judge *judge)
{
	struct build_walk walk = builds_walk(&judge->ledger, judge->comparison->target);
	_cleanup_build_ struct build build = BUILD_INIT;

	walk.with_snapshot = true;
	if (git_oid_is_zero(&judge->comparison->head))
		return false;
	while (builds_next(&build, &walk) > 0)
		if (is_ancestor(judge, &build)) {
			judge->base_build = build.number;
			return true;
		}
	return false;
}

static void find_ancestor(struct judge *judge)
{
	judge->ancestor = ANCESTOR_NONE;
	if (find_merge_base(judge)) {
		judge->ancestor = ANCESTOR_COMMON;
	} else if (find_build_in_history(judge)) {
		judge->ancestor = ANCESTOR_BUILD;
	} else if (!git_oid_is_zero(&judge->comparison->own)) {
		judge->base = judge->comparison->own;
		judge->ancestor = ANCESTOR_OWN;
	}
}

static int version_in(struct version *ret, const struct judge *judge,
	const git_oid *tree_id, const char *path)
{
	_cleanup_git_(tree) git_tree *tree = NULL;
	_cleanup_git_(tree_entry) git_tree_entry *entry = NULL;
	int found;

	*ret = (struct version){0};
	if (git_tree_lookup(&tree, judge->ledger.repository, tree_id) < 0)
		return git_failed("cannot read a configuration");
	found = git_tree_entry_bypath(&entry, tree, path);
	if (found == GIT_ENOTFOUND)
		return 0;
	if (found < 0)
		return git_failed("cannot read a configuration");
	if (git_tree_entry_type(entry) == GIT_OBJECT_TREE)
		return 0;
	ret->mode = git_tree_entry_filemode(entry);
	ret->id = *git_tree_entry_id(entry);
	return 0;
}

/* Whether a commit since the common ancestor had it: then its absence is on purpose. */
static bool was_taken_back(struct judge *judge, const struct three_way *three_way,
	const char *path, const struct version *base, const struct version *live)
{
	git_revwalk *walk = NULL;
	struct version last = *base;
	bool contained = false;
	git_oid id;

	if (judge->ancestor != ANCESTOR_COMMON ||
		git_revwalk_new(&walk, judge->ledger.repository) < 0)
		return false;
	git_revwalk_sorting(walk, GIT_SORT_TOPOLOGICAL);
	if (git_revwalk_push(walk, &judge->comparison->head) == 0 &&
		git_revwalk_hide(walk, &judge->base_commit) == 0)
		while (!contained && judge->looks_left &&
			git_revwalk_next(&id, walk) == 0) {
			_cleanup_(loss_free) struct loss lacking = {0};
			struct version then;
			git_oid tree;

			judge->looks_left--;
			if (!tree_of_commit(&tree, judge, &id) ||
				version_in(&then, judge, &tree, path) < 0)
				break;
			if (!version_equals(&then, &last) && !version_equals(&then, base))
				contained = three_way_compare(&lacking, three_way, path,
						    base, live, &then) == 1;
			last = then;
		}
	git_revwalk_free(walk);
	return contained;
}

/*
 * Whether git changes the file's bytes on their way to the disk (git-crypt, LFS, CRLF):
 * then the content of snapshots and of commits cannot be compared with each other.
 */
static bool is_filtered(const struct judge *judge, const char *path)
{
	static const char *const names[] = {"filter", "working-tree-encoding"};
	const char *value = NULL;

	if (!judge->user)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (git_attr_get(&value, judge->user, 0, path, names[i]) == 0 &&
			!GIT_ATTR_IS_UNSPECIFIED(value) && !GIT_ATTR_IS_FALSE(value))
			return true;
	return git_attr_get(&value, judge->user, 0, path, "eol") == 0 && value &&
	       GIT_ATTR_HAS_VALUE(value) && streq(value, "crlf");
}

/* Notes that the path is another one on disk than what is live; more nobody can tell. */
static int note_filtered(
	struct judge *judge, struct losses *losses, const struct path_change *change)
{
	const struct version live = {change->new_mode, change->new_id};
	struct version mine;
	struct loss loss = {.kind = LOSS_FILTERED, .live = change->new_id};

	if (version_in(&mine, judge, &judge->comparison->mine, change->path) < 0)
		return -1;
	if (version_equals(&live, &mine))
		return 0;
	loss.path = xstrdup(change->path);
	losses_add(losses, &loss);
	return 0;
}

/* The three versions of a path; of a filtered one as they were committed. 0: it cannot be
 * compared. */
static int versions_of(struct version *base, struct version *live, struct version *mine,
	struct judge *judge, const struct path_change *change)
{
	git_oid head;

	*base = (struct version){change->old_mode, change->old_id};
	*live = (struct version){change->new_mode, change->new_id};
	if (!is_filtered(judge, change->path))
		return version_in(mine, judge, &judge->comparison->mine, change->path) < 0
			       ? -1
			       : 1;
	if (judge->ancestor != ANCESTOR_COMMON ||
		git_oid_is_zero(&judge->live_committed) ||
		!tree_of_commit(&head, judge, &judge->comparison->head))
		return 0;
	if (version_in(live, judge, &judge->live_committed, change->path) < 0 ||
		version_in(mine, judge, &head, change->path) < 0)
		return -1;
	return 1;
}

static bool is_uncommitted(
	struct judge *judge, const char *path, const struct version *live)
{
	struct version committed;

	if (git_oid_is_zero(&judge->live_committed))
		return judge->comparison->live_is_dirty;
	return version_in(&committed, judge, &judge->live_committed, path) == 0 &&
	       !version_equals(&committed, live);
}

static int compare_path(
	struct judge *judge, struct losses *losses, const struct path_change *change)
{
	const struct three_way three_way = {
		.repository = judge->ledger.repository,
		.from_elsewhere = judge->from_elsewhere,
	};
	struct version base, live, mine;
	struct loss loss;
	int result = versions_of(&base, &live, &mine, judge, change);

	if (result == 0)
		return note_filtered(judge, losses, change);
	if (result < 0 || (!live.mode && judge->comparison->live_is_partial))
		return result < 0 ? -1 : 0;
	result = three_way_compare(&loss, &three_way, change->path, &base, &live, &mine);
	if (result < 0)
		return -1;
	if (result)
		return is_filtered(judge, change->path)
			       ? note_filtered(judge, losses, change)
			       : 0;
	/* Those that are ignored must not push others out of the list. */
	if (was_taken_back(judge, &three_way, change->path, &base, &live) ||
		(compare_ignores(judge->comparison->settings, change->path) &&
			judge->ignored++ >= IGNORED_MAX)) {
		loss_free(&loss);
		return 0;
	}
	loss.uncommitted = is_uncommitted(judge, change->path, &live);
	losses_add(losses, &loss);
	return 0;
}

static int compare_all(struct record *answer, struct judge *judge)
{
	_cleanup_path_changes_ struct path_changes changes = {0};
	_cleanup_losses_ struct losses losses = {0};

	if (tree_diff(&changes, judge->ledger.repository, &judge->base, &judge->live) < 0)
		return -1;
	for (size_t i = 0; i < changes.len; i++)
		if (compare_path(judge, &losses, &changes.list[i]) < 0)
			return -1;
	losses_to_record(answer, &losses);
	return 0;
}

/*
 * A commit that has not come to the caller's checkout is looked for in the one that the
 * live build was made in: with it the history that both share.
 */
static void find_live_commit(struct record *answer, struct judge *judge)
{
	const struct comparison *comparison = judge->comparison;

	if (tree_of_commit(&judge->live_committed, judge, &comparison->live_commit))
		record_set(answer, "Live-Known", "yes");
	else if (comparison->live_root &&
		 add_checkout(judge, comparison->live_root, NULL) == 0)
		(void)tree_of_commit(
			&judge->live_committed, judge, &comparison->live_commit);
}

static int judge_all(struct record *answer, const struct comparison *comparison)
{
	struct judge judge = {
		.comparison = comparison,
		.looks_left = LOOKS_MAX,
		.from_elsewhere = comparison->from_elsewhere,
		.live = comparison->live,
	};
	int result = open_ledger_and_checkout(&judge);

	if (result == 0)
		find_live_commit(answer, &judge);
	if (git_oid_is_zero(&judge.live))
		judge.live = judge.live_committed;
	if (result == 0 && !git_oid_is_zero(&judge.live)) {
		find_ancestor(&judge);
		/* Another branch in one checkout is as good as another checkout. */
		if (judge.ancestor == ANCESTOR_COMMON &&
			!is_in_history(&judge, &comparison->live_commit))
			judge.from_elsewhere = true;
		record_setf(answer, "Ancestor-Build", "%" PRIu64, judge.base_build);
		record_setf(answer, "Ancestor", "%d", (int)judge.ancestor);
		if (judge.ancestor != ANCESTOR_NONE)
			result = compare_all(answer, &judge);
	} else {
		record_setf(answer, "Ancestor", "%d", (int)ANCESTOR_NONE);
	}
	git_repository_free(judge.user);
	git_repository_free(judge.ledger.repository);
	return result;
}

static int work(struct worker *worker, struct strbuf *answer, void *data)
{
	_cleanup_record_ struct record record = {0};
	int result = judge_all(&record, data);

	(void)worker;
	record_put(answer, &record);
	return result;
}

int compare_with_live(struct verdict *ret, const struct comparison *comparison)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	_cleanup_record_ struct record answer = {0};
	struct comparison copy = *comparison;
	const struct worker_job job = {
		.what = "comparing with what is live",
		.work = work,
		.data = &copy,
		.deadline_ms = DEADLINE_MS,
	};
	uint64_t ancestor;

	*ret = (struct verdict){.ancestor = ANCESTOR_NONE};
	if (worker_run(&text, &job) < 0)
		return -1;
	record_parse(&answer, text.text, text.len);
	ancestor = record_get_number(&answer, "Ancestor");
	if (ancestor > ANCESTOR_NONE)
		return error(
			"comparing with what is live: the worker gave no usable answer");
	ret->ancestor = (enum ancestor)ancestor;
	ret->ancestor_build = record_get_number(&answer, "Ancestor-Build");
	ret->live_is_known = record_get(&answer, "Live-Known") != NULL;
	losses_from_record(&ret->losses, &answer);
	return 0;
}
