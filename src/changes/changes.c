#include "changes/changes.h"

#include "base/memory.h"

/* So many builds since one's own last are told apart; more belong to the oldest of these.
 */
#define BUILDS_MAX 500

/* Steps back from *build to one of target that has a snapshot. */
static int step_to_snapshot(struct build *build, int found, struct ledger *ledger,
	const char *target, const char *agent)
{
	while (found > 0) {
		const char *its_target = record_get(&build->record, "Target");
		const char *its_agent = record_get(&build->record, "Agent");

		if (build_has_snapshot(build) && its_target &&
			streq(its_target, target) &&
			(!agent || (its_agent && streq(its_agent, agent))))
			return 1;
		found = build_step_back(build, ledger);
	}
	return found;
}

static int find_oldest(struct build *ret, struct ledger *ledger, const char *target)
{
	struct build at = {0};
	int found = step_to_snapshot(&at, build_tip(&at, ledger), ledger, target, NULL);

	*ret = (struct build){0};
	while (found > 0) {
		build_free(ret);
		ret->commit = at.commit;
		ret->tree = at.tree;
		ret->parent = at.parent;
		record_copy(&ret->record, &at.record);
		found = build_step_back(&at, ledger);
		found = step_to_snapshot(&at, found, ledger, target, NULL);
	}
	if (found < 0)
		return -1;
	return ret->record.len > 0;
}

int changes_find_base(struct changes *ret, struct ledger *ledger,
	const struct caller *caller, const char *target)
{
	int found;

	*ret = (struct changes){.base_kind = BASE_NONE};
	found = build_by_agent(&ret->base, ledger, target, caller->agent);
	found = step_to_snapshot(&ret->base, found, ledger, target, caller->agent);
	if (found) {
		ret->base_kind = BASE_OWN;
		return found < 0 ? -1 : 0;
	}
	found = build_live_at(&ret->base, ledger, target, caller->since);
	if (found > 0 && build_has_snapshot(&ret->base)) {
		ret->base_kind = BASE_LIVE;
		return 0;
	}
	build_free(&ret->base);
	if (found < 0)
		return -1;
	found = find_oldest(&ret->base, ledger, target);
	if (found > 0)
		ret->base_kind = BASE_OLDEST;
	return found < 0 ? -1 : 0;
}

/* The builds of target that joined the chain after base, oldest first. */
static int collect_foreign(
	struct changes *changes, struct ledger *ledger, const char *target)
{
	struct build at = {0};
	int found = build_tip(&at, ledger);

	while (found > 0 && changes->foreign_len < BUILDS_MAX &&
		!git_oid_equal(&at.commit, &changes->base.commit)) {
		struct foreign_build *foreign;
		const char *its_target = record_get(&at.record, "Target");
		git_oid parent = at.parent;

		if (build_has_snapshot(&at) && its_target && streq(its_target, target)) {
			changes->foreign = xreallocarray(changes->foreign,
				changes->foreign_len + 1, sizeof(*changes->foreign));
			foreign = &changes->foreign[changes->foreign_len++];
			*foreign = (struct foreign_build){.build = at};
			at = (struct build){.parent = parent};
		}
		found = build_step_back(&at, ledger);
	}
	build_free(&at);
	for (size_t i = 0; i < changes->foreign_len / 2; i++) {
		struct foreign_build swapped = changes->foreign[i];
		size_t other = changes->foreign_len - 1 - i;

		changes->foreign[i] = changes->foreign[other];
		changes->foreign[other] = swapped;
	}
	return found < 0 ? -1 : 0;
}

/* Gives the build every path without an owner whose entry in its tree is the snapshot's.
 */
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
		foreign->paths = xreallocarray(
			foreign->paths, foreign->len + 1, sizeof(*foreign->paths));
		foreign->paths[foreign->len++] = i;
	}
	return 0;
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
	ret->fresh = xcalloc(ret->total.len, sizeof(*ret->fresh));
	for (size_t i = 0; i < ret->total.len; i++)
		if (!owned[i])
			ret->fresh[ret->fresh_len++] = i;
	return 0;
}

static bool is_below(const char *path, char *const *paths, size_t len)
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
		if (is_below(changes->total.list[indices[i]].path, paths, paths_len))
			indices[kept++] = indices[i];
	*len = kept;
}

void changes_limit(struct changes *changes, char *const *paths, size_t len)
{
	limit(changes->fresh, &changes->fresh_len, changes, paths, len);
	for (size_t i = 0; i < changes->foreign_len; i++)
		limit(changes->foreign[i].paths, &changes->foreign[i].len, changes, paths,
			len);
}

void changes_free(struct changes *changes)
{
	for (size_t i = 0; changes->notes && i < changes->total.len; i++)
		free(changes->notes[i]);
	free(changes->notes);
	commit_step_free(&changes->fresh_commits);
	build_free(&changes->base);
	path_changes_free(&changes->total);
	for (size_t i = 0; i < changes->foreign_len; i++) {
		build_free(&changes->foreign[i].build);
		free(changes->foreign[i].paths);
		commit_step_free(&changes->foreign[i].commits);
	}
	free(changes->foreign);
	free(changes->fresh);
}
