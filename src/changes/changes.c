#include "changes/changes.h"

#include "base/memory.h"

/* The report says what mine lacks of this many builds, the newest ones. */
#define ABSENT_BUILDS 3

int changes_find_oldest(struct build *ret, struct ledger *ledger, const char *target)
{
	struct build_walk walk = builds_walk(ledger, target);
	_cleanup_build_ struct build at = BUILD_INIT;
	int found;

	walk.with_snapshot = true;
	build_free(ret);
	*ret = (struct build)BUILD_INIT;
	while ((found = builds_next(&at, &walk)) > 0) {
		build_free(ret);
		*ret = at;
		at = (struct build)BUILD_INIT;
	}
	return found < 0 ? -1 : ret->number > 0;
}

/* The newest of the agent's builds that has a snapshot. */
static int find_own(
	struct build *ret, struct ledger *ledger, const char *target, const char *agent)
{
	struct build_walk walk;
	int found = build_by_agent(ret, ledger, target, agent);

	if (found <= 0 || build_has_snapshot(ret))
		return found;
	walk = builds_walk_before(ledger, ret);
	walk.target = target;
	do
		found = builds_next(ret, &walk);
	while (found > 0 && !build_is_of_agent(ret, agent));
	return found;
}

int changes_find_base(struct changes *ret, struct ledger *ledger,
	const struct caller *caller, const char *target)
{
	int found;

	*ret = (struct changes){
		.base_kind = BASE_NONE, .base = BUILD_INIT, .restored.build = BUILD_INIT};
	found = find_own(&ret->base, ledger, target, caller->agent);
	if (found) {
		ret->base_kind = BASE_OWN;
		return found < 0 ? -1 : 0;
	}
	found = build_live_at(&ret->base, ledger, target, caller->since);
	if (found > 0 && build_has_snapshot(&ret->base)) {
		ret->base_kind = BASE_LIVE;
		return 0;
	}
	if (found < 0)
		return -1;
	found = changes_find_oldest(&ret->base, ledger, target);
	if (found > 0)
		ret->base_kind = BASE_OLDEST;
	return found < 0 ? -1 : 0;
}

/* The builds of target that joined the chain after base, oldest first. */
static int collect_foreign(
	struct changes *changes, struct ledger *ledger, const char *target)
{
	struct build_walk walk = builds_walk(ledger, target);
	_cleanup_build_ struct build at = BUILD_INIT;
	int found;

	while ((found = builds_next(&at, &walk)) > 0 &&
		!git_oid_equal(&at.commit, &changes->base.commit)) {
		if (!build_has_snapshot(&at)) {
			if (changes->base_kind != BASE_OWN ||
				!build_is_of_agent(&at, changes->base.agent))
				builds_add(&changes->unseen, &at);
			continue;
		}
		*list_add(changes->foreign, changes->foreign_len) =
			(struct foreign_build){.build = at};
		at = (struct build)BUILD_INIT;
	}
	list_reverse(changes->foreign, changes->foreign_len);
	return found < 0 ? -1 : 0;
}

/* Gives the build each path without an owner that it has as the snapshot does. */
static int attribute(struct changes *changes, struct foreign_build *foreign, bool *owned,
	struct ledger *ledger, const git_oid *snapshot)
{
	_cleanup_path_changes_ struct path_changes differing = {0};
	size_t at = 0;

	if (tree_diff(&differing, ledger->repository, &foreign->build.tree, snapshot) < 0)
		return -1;
	for (size_t i = 0; i < changes->total.len; i++) {
		const char *path = changes->total.list[i].path;

		while (at < differing.len && strcmp(differing.list[at].path, path) < 0)
			at++;
		if (owned[i] ||
			(at < differing.len && streq(differing.list[at].path, path)))
			continue;
		owned[i] = true;
		*list_add(foreign->paths, foreign->len) = i;
	}
	return 0;
}

/* After a build of one's own that failed, files are often put back as they were. */
static int find_restored(struct changes *changes, bool *owned, struct ledger *ledger,
	const git_oid *snapshot)
{
	struct build_walk walk = builds_walk_before(ledger, &changes->base);
	struct build *before = &changes->restored.build;
	int found;

	if (changes->base_kind != BASE_OWN || build_took_effect(&changes->base))
		return 0;
	do
		found = builds_next(before, &walk);
	while (found > 0 && !build_took_effect(before));
	if (found <= 0)
		return found;
	return attribute(changes, &changes->restored, owned, ledger, snapshot);
}

/* What the build brought and mine has never had: mine has it as the base had. */
static int find_absent(struct changes *changes, size_t index, struct ledger *ledger,
	const git_oid *snapshot)
{
	struct foreign_build *foreign = &changes->foreign[index];
	const struct build *newest = &changes->foreign[changes->foreign_len - 1].build;
	const git_oid *before =
		index ? &changes->foreign[index - 1].build.tree : &changes->base.tree;
	_cleanup_path_changes_ struct path_changes brought = {0}, still = {0};

	if (tree_diff(&brought, ledger->repository, before, &foreign->build.tree) < 0 ||
		tree_diff(&still, ledger->repository, &newest->tree, snapshot) < 0)
		return -1;
	for (size_t i = 0; i < brought.len; i++)
		if (path_changes_find(&still, brought.list[i].path) &&
			!path_changes_find(&changes->total, brought.list[i].path))
			strv_add(&foreign->absent, brought.list[i].path);
	return 0;
}

bool changes_are_none(const struct changes *changes)
{
	if (changes->fresh_len || changes->unseen.len || changes->restored.len)
		return false;
	for (size_t i = 0; i < changes->foreign_len; i++)
		if (changes->foreign[i].len || changes->foreign[i].absent.len)
			return false;
	return true;
}

int changes_compute(struct changes *ret, struct ledger *ledger, const char *target,
	const git_oid *snapshot)
{
	_cleanup_free_ bool *owned = NULL;

	if (ret->base_kind == BASE_NONE)
		return 0;
	if (tree_diff(&ret->total, ledger->repository, &ret->base.tree, snapshot) < 0 ||
		collect_foreign(ret, ledger, target) < 0)
		return -1;
	owned = xcalloc(ret->total.len, sizeof(*owned));
	for (size_t i = 0; i < ret->foreign_len; i++)
		if (attribute(ret, &ret->foreign[i], owned, ledger, snapshot) < 0)
			return -1;
	if (find_restored(ret, owned, ledger, snapshot) < 0)
		return -1;
	for (size_t i = ret->foreign_len;
		i-- > 0 && ret->foreign_len - i <= ABSENT_BUILDS;)
		if (!ret->foreign[i].len && find_absent(ret, i, ledger, snapshot) < 0)
			return -1;
	ret->fresh = xcalloc(ret->total.len, sizeof(*ret->fresh));
	for (size_t i = 0; i < ret->total.len; i++)
		if (!owned[i])
			ret->fresh[ret->fresh_len++] = i;
	return 0;
}

bool path_is_below(const char *path, char *const *paths, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const size_t prefix = strlen(paths[i]);

		if (!prefix || (strncmp(path, paths[i], prefix) == 0 &&
				       (path[prefix] == '/' || !path[prefix])))
			return true;
	}
	return false;
}

static void limit(size_t *indices, size_t *len, const struct changes *changes,
	char *const *paths, size_t paths_len)
{
	size_t kept = 0;

	for (size_t i = 0; i < *len; i++)
		if (path_is_below(changes->total.list[indices[i]].path, paths, paths_len))
			indices[kept++] = indices[i];
	*len = kept;
}

void changes_limit(struct changes *changes, char *const *paths, size_t len)
{
	limit(changes->fresh, &changes->fresh_len, changes, paths, len);
	limit(changes->restored.paths, &changes->restored.len, changes, paths, len);
	for (size_t i = 0; i < changes->foreign_len; i++)
		limit(changes->foreign[i].paths, &changes->foreign[i].len, changes, paths,
			len);
}

bool change_is_absence(const struct changes *changes, const struct path_change *change)
{
	return !change->new_mode && changes->base_kind != BASE_OWN;
}

static void foreign_free(struct foreign_build *foreign)
{
	build_free(&foreign->build);
	free(foreign->paths);
	strv_free(&foreign->absent);
	strv_free(&foreign->commits.commits);
}

void changes_free(struct changes *changes)
{
	for (size_t i = 0; changes->notes && i < changes->total.len; i++)
		free(changes->notes[i]);
	free(changes->notes);
	strv_free(&changes->fresh_commits.commits);
	build_free(&changes->base);
	path_changes_free(&changes->total);
	builds_free(&changes->unseen);
	for (size_t i = 0; i < changes->foreign_len; i++)
		foreign_free(&changes->foreign[i]);
	foreign_free(&changes->restored);
	free(changes->foreign);
	free(changes->fresh);
}
