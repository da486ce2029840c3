#include "guard/restore.h"

#include <fcntl.h>
#include <jansson.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"
#include "guard/imports.h"
#include "guard/merge.h"
#include "snapshot/stub.h"

/* So many builds are looked through for a former version of a file. */
#define FORMER_BUILDS 200
/* A larger draft is taken for the file itself. */
#define DRAFT_MAX ((size_t)8 << 20)

static bool is_refused(const struct finding *finding, const char *path)
{
	return finding->verdict == VERDICT_REFUSED && streq(finding->path, path);
}

/* The node to which the path of an input ("home-manager/nixpkgs") leads. */
static const char *node_of(const json_t *file, const char *input)
{
	const json_t *nodes = json_object_get(file, "nodes");
	const char *node = json_string_value(json_object_get(file, "root"));
	_cleanup_free_ char *copy = xstrdup(input);
	char *rest = NULL;

	for (char *name = strtok_r(copy, "/", &rest); node && name;
		name = strtok_r(NULL, "/", &rest))
		node = json_string_value(json_object_get(
			json_object_get(json_object_get(nodes, node), "inputs"), name));
	return node;
}

/* The "inputs" object that contains the input of this path. */
static json_t *inputs_around(const json_t *file, const char *input)
{
	const char *slash = strrchr(input, '/');
	_cleanup_free_ char *parent =
		xstrndup(input, slash ? (size_t)(slash - input) : 0);
	const char *node = node_of(file, parent);

	return json_object_get(
		json_object_get(json_object_get(file, "nodes"), node ? node : ""),
		"inputs");
}

/* If the input follows another in live, it does so again. The node that it was locked to
 * stays in the file, but nothing leads there. */
static bool set_followed(json_t *here, const json_t *there, const char *input)
{
	const char *name = basename(input);
	json_t *followed = json_object_get(inputs_around(there, input), name);

	return json_is_array(followed) &&
	       json_object_set(inputs_around(here, input), name, followed) == 0;
}

/* Nix writes these files with two blanks and sorted keys. */
static int merge_lock_files(git_oid *ret, const struct verdict *verdict, const char *path,
	const git_blob *mine, const git_blob *live)
{
	git_repository *repository = verdict->hand->call->ledger->repository;
	json_t *here = json_loadb(
		git_blob_rawcontent(mine), (size_t)git_blob_rawsize(mine), 0, NULL);
	json_t *there = json_loadb(
		git_blob_rawcontent(live), (size_t)git_blob_rawsize(live), 0, NULL);
	_cleanup_free_ char *text = NULL, *lines = NULL;
	int result = -1;

	for (size_t i = 0; i < verdict->len; i++) {
		const struct finding *finding = &verdict->list[i];
		const char *mine_node, *live_node;

		if (!is_refused(finding, path) || finding->kind != ITEM_INPUT)
			continue;
		mine_node = node_of(here, finding->text);
		live_node = node_of(there, finding->text);
		if (set_followed(here, there, finding->text))
			continue;
		if (mine_node && live_node)
			json_object_set(json_object_get(here, "nodes"), mine_node,
				json_object_get(
					json_object_get(there, "nodes"), live_node));
	}
	text = json_dumps(here, JSON_INDENT(2) | JSON_SORT_KEYS);
	json_decref(here);
	json_decref(there);
	if (text) {
		lines = xasprintf("%s\n", text);
		result = git_blob_create_from_buffer(
			ret, repository, lines, strlen(lines));
	}
	return result < 0 ? error("cannot merge '%s'", path) : 1;
}

/* What is wrong with the path. */
struct wrongs {
	bool lines, inputs, whole;
	bool has_own;     /* the caller has written something there as well */
	bool any_moved;   /* lines of it are elsewhere in mine */
	bool is_filtered; /* git would compare a patch with what a filter makes of it */
};

static struct wrongs wrongs_of(const struct verdict *verdict, const char *path)
{
	struct wrongs ret = {false};

	for (size_t i = 0; i < verdict->len; i++) {
		const struct finding *finding = &verdict->list[i];

		/* Only what was never live is the caller's own. */
		if (finding->verdict == VERDICT_NONE && !finding->is_lost &&
			streq(finding->path, path))
			ret.has_own = true;
		ret.any_moved = ret.any_moved || (finding->verdict == VERDICT_MOVED &&
							 streq(finding->path, path));
		if (!is_refused(finding, path))
			continue;
		ret.is_filtered = ret.is_filtered || finding->is_filtered;
		ret.lines = ret.lines || finding->kind == ITEM_LINE;
		ret.inputs = ret.inputs || finding->kind == ITEM_INPUT;
		ret.whole =
			ret.whole || finding->kind == ITEM_ENTRY || finding->whole_file;
	}
	return ret;
}

enum remedy {
	REMEDY_FAILED = -1,
	REMEDY_NONE, /* nothing is wrong, it is done by hand, or git add is the remedy */
	REMEDY_UPDATE,
};

/* The paths of a tree that are set right. */
struct restoring {
	const struct verdict *verdict;
	struct by_hand *by_hand;
	const struct path_change *change; /* from live (old) to mine (new) */
	struct wrongs wrongs;
	git_tree_update update;
};

static enum remedy leave(struct restoring *restoring, enum by_hand_reason reason)
{
	by_hand_add(restoring->by_hand, restoring->change->path, reason);
	return REMEDY_NONE;
}

static git_repository *ledger_of(const struct restoring *restoring)
{
	return restoring->verdict->hand->call->ledger->repository;
}

/* Whether mine is just what was built before: nothing in it is the caller's alone. */
static bool is_former(const struct restoring *restoring)
{
	const struct verdict *verdict = restoring->verdict;
	const char *path = restoring->change->path;
	struct build_walk walk = builds_walk(
		verdict->hand->call->ledger, verdict->hand->call->target->name);
	_cleanup_build_ struct build build = BUILD_INIT;
	git_oid then;

	for (size_t i = 0; i < verdict->len; i++)
		if (verdict->list[i].verdict == VERDICT_OWN &&
			streq(verdict->list[i].path, path))
			return false;
	walk.with_snapshot = true;
	walk.left = FORMER_BUILDS;
	while (builds_next(&build, &walk) > 0)
		if (ledger_path_id(&then, walk.ledger, &build.tree, path) == 0 &&
			git_oid_equal(&then, &restoring->change->new_id))
			return true;
	return false;
}

static enum remedy merge_path(struct restoring *restoring)
{
	const struct path_change *change = restoring->change;
	const struct wrongs *wrongs = &restoring->wrongs;
	git_tree_update *ret = &restoring->update;
	_cleanup_git_(blob) git_blob *live = NULL, *mine = NULL;
	int merged = 1;

	if (change_texts(&live, &mine, ledger_of(restoring), change) < 0)
		return REMEDY_FAILED;
	if (wrongs->whole || !live || !mine) {
		ret->filemode = (git_filemode_t)change->old_mode;
		/* Where both are texts, it is the mode, or else the layout. */
		if (!live || !mine || change->old_mode == change->new_mode)
			ret->id = change->old_id;
	}
	if (live && mine && !wrongs->inputs && is_former(restoring)) {
		ret->id = change->old_id;
		ret->filemode = (git_filemode_t)change->old_mode;
		return REMEDY_UPDATE;
	}
	if (live && mine && wrongs->inputs)
		merged = merge_lock_files(
			&ret->id, restoring->verdict, change->path, mine, live);
	else if (live && mine && wrongs->lines)
		merged = merge_texts(&ret->id, restoring->verdict, change->path, mine,
			live, wrongs->has_own);
	if (merged < 0)
		return REMEDY_FAILED;
	if (merged)
		return REMEDY_UPDATE;
	return leave(restoring, wrongs->any_moved ? BY_HAND_MOVED : BY_HAND_MIXED);
}

/* Whether a file of that name lies in the caller's checkout; *ret_differs: with other
 * content than live's, as far as that can be read. */
static bool lies_there(const struct restoring *restoring, bool *ret_differs)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *file =
		xasprintf("%s/%s", restoring->verdict->hand->call->configuration->root,
			restoring->change->path);
	git_oid id;
	size_t len;

	*ret_differs = read_file(file, DRAFT_MAX, &text, &len, NULL) == 0 &&
		       git_odb_hash(&id, text, len, GIT_OBJECT_BLOB) == 0 &&
		       !git_oid_equal(&id, &restoring->change->old_id);
	return faccessat(AT_FDCWD, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Whether a line that comes back names the file, as an import does. Then the file must
 * come back, too, even if its lines have moved to another one. */
static bool is_named(const struct verdict *verdict, const char *path)
{
	for (size_t i = 0; i < verdict->len; i++) {
		const struct finding *finding = &verdict->list[i];

		if (finding->verdict == VERDICT_REFUSED && finding->is_lost &&
			finding->kind == ITEM_LINE &&
			text_names_path(finding->text, path))
			return true;
	}
	return false;
}

/* The submodule in mine below which live has the path; NULL: none. The caller frees. */
static char *submodule_of(const struct restoring *restoring)
{
	_cleanup_free_ char *path = xstrdup(restoring->change->path);
	_cleanup_git_(tree) git_tree *tree = NULL;

	if (git_tree_lookup(&tree, ledger_of(restoring),
		    &restoring->verdict->hand->call->snapshot->tree) < 0)
		return NULL;
	for (char *slash = strrchr(path, '/'); slash; slash = strrchr(path, '/')) {
		_cleanup_git_(tree_entry) git_tree_entry *entry = NULL;

		*slash = '\0';
		if (git_tree_entry_bypath(&entry, tree, path) == 0)
			return git_tree_entry_type(entry) == GIT_OBJECT_COMMIT
				       ? TAKE_PTR(path)
				       : NULL;
	}
	return NULL;
}

/* The file is missing in mine. */
static enum remedy bring_back(struct restoring *restoring)
{
	const struct path_change *change = restoring->change;
	_cleanup_free_ char *submodule = submodule_of(restoring);
	bool differs;

	if (submodule) {
		by_hand_add(restoring->by_hand, submodule, BY_HAND_SUBMODULE);
		return REMEDY_NONE;
	}
	/* Only part of the file is wrong: the rest has moved. */
	if (!restoring->wrongs.whole)
		return leave(restoring, BY_HAND_MOVED);
	if (restoring->wrongs.has_own)
		return leave(restoring, BY_HAND_MIXED);
	/* The file is there, but git does not track it: it needs git add, not a patch. */
	if (lies_there(restoring, &differs))
		return differs ? leave(restoring, BY_HAND_DRAFT) : REMEDY_NONE;
	if (stub_is_at(ledger_of(restoring), &change->old_id))
		return leave(restoring, BY_HAND_UNKNOWN);
	restoring->update.id = change->old_id;
	restoring->update.filemode = (git_filemode_t)change->old_mode;
	return REMEDY_UPDATE;
}

static enum remedy set_right(struct restoring *restoring)
{
	const struct path_change *change = restoring->change;
	struct wrongs *wrongs = &restoring->wrongs;

	*wrongs = wrongs_of(restoring->verdict, change->path);
	if (!wrongs->lines && !wrongs->inputs && !wrongs->whole)
		wrongs->whole = S_ISREG(change->old_mode) && !change->new_mode &&
				is_named(restoring->verdict, change->path);
	if (!wrongs->lines && !wrongs->inputs && !wrongs->whole)
		return REMEDY_NONE;
	restoring->update = (git_tree_update){.action = GIT_TREE_UPDATE_UPSERT,
		.id = change->new_id,
		.filemode = (git_filemode_t)change->new_mode,
		.path = change->path};
	/* A patch cannot check out a submodule. */
	if (change->old_mode == GIT_FILEMODE_COMMIT)
		return leave(restoring, BY_HAND_COMMIT);
	if (change->new_mode == GIT_FILEMODE_COMMIT)
		return leave(restoring, BY_HAND_MIXED);
	if (!change->new_mode)
		return bring_back(restoring);
	/* Only part of the file is wrong: the rest is the caller's own. */
	if (!change->old_mode && (!wrongs->whole || wrongs->has_own))
		return leave(restoring, BY_HAND_MIXED);
	if (wrongs->is_filtered)
		return leave(restoring, wrongs->has_own || !change->old_mode
						? BY_HAND_MIXED
						: BY_HAND_FILTERED);
	if (!change->old_mode) {
		restoring->update.action = GIT_TREE_UPDATE_REMOVE;
		return REMEDY_UPDATE;
	}
	return merge_path(restoring);
}

/* 0: a person must decide, as when a directory has replaced a file. */
static int update_tree(git_oid *ret, const struct verdict *verdict,
	const git_tree_update *updates, size_t len)
{
	git_repository *repository = verdict->hand->call->ledger->repository;
	_cleanup_git_(tree) git_tree *tree = NULL;

	if (git_tree_lookup(&tree, repository, &verdict->hand->call->snapshot->tree) < 0)
		return git_failed("cannot make the patch");
	return git_tree_create_updated(ret, repository, tree, len, updates) == 0;
}

int restore_tree(git_oid *ret, struct by_hand *by_hand, struct strv *added,
	const struct verdict *verdict)
{
	_cleanup_path_changes_ struct path_changes changes = {0};
	_cleanup_free_ git_tree_update *updates = NULL;
	size_t len = 0;
	int result;

	if (tree_diff(&changes, verdict->hand->call->ledger->repository, &verdict->live,
		    &verdict->hand->call->snapshot->tree) < 0)
		return -1;
	updates = xcalloc(changes.len, sizeof(*updates));
	for (size_t i = 0; i < changes.len; i++) {
		const struct path_change *change = &changes.list[i];
		struct restoring restoring = {
			.verdict = verdict, .by_hand = by_hand, .change = change};
		const enum remedy remedy = set_right(&restoring);

		if (remedy == REMEDY_FAILED)
			return -1;
		if (remedy == REMEDY_NONE)
			continue;
		updates[len++] = restoring.update;
		if (!change->new_mode)
			strv_add(added, change->path);
	}
	result = len ? update_tree(ret, verdict, updates, len) : 0;
	for (size_t i = 0; len && result == 0 && i < len; i++)
		by_hand_add(by_hand, updates[i].path, BY_HAND_MIXED);
	return result;
}
