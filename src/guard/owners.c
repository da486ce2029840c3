#include "guard/owners.h"

#include "base/memory.h"

/* So far back it is looked for. */
#define BUILDS_MAX 500

static void note(struct owner *owner, const struct record *build, const char *caller)
{
	const char *agent = record_get(build, "Agent");
	const bool is_foreign = agent && !streq(agent, caller);

	if (owner->is_foreign || (owner->agent && !is_foreign))
		return;
	set_string(&owner->agent, xstrdup(agent ? agent : "?"));
	owner->build = record_get_number(build, "Build");
	owner->is_foreign = is_foreign;
}

/* Moves on to the build before with a snapshot, of the same target. */
static int step(struct build *build, struct ledger *ledger, const char *target)
{
	int found;

	do {
		const char *its_target;

		found = build_step_back(build, ledger);
		its_target = found > 0 ? record_get(&build->record, "Target") : NULL;
		if (found > 0 && its_target && streq(its_target, target) &&
			build_has_snapshot(build))
			return 1;
	} while (found > 0);
	return found;
}

/* What of the paths still differs from the ancestor in build is the work of it, where the
 * build before had another version. */
static int attribute(struct owner *owners, git_oid *at, bool *done,
	const struct losses *losses, struct ledger *ledger, const struct build *before,
	const struct record *build, const char *caller)
{
	bool open = false;

	for (size_t i = 0; i < losses->len; i++) {
		git_oid then = losses->list[i].base;

		if (done[i])
			continue;
		if (before && ledger_path_id(&then, ledger, &before->tree,
				      losses->list[i].path) < 0)
			return -1;
		if (!git_oid_equal(&then, &at[i]))
			note(&owners[i], build, caller);
		at[i] = then;
		done[i] = git_oid_equal(&then, &losses->list[i].base);
		open = open || !done[i];
	}
	return open;
}

int owners_find(struct owner *ret, const struct losses *losses, struct ledger *ledger,
	const struct build *live, const char *caller)
{
	const char *target = record_get(&live->record, "Target");
	_cleanup_free_ git_oid *at = xcalloc(losses->len + 1, sizeof(*at));
	_cleanup_free_ bool *done = xcalloc(losses->len + 1, sizeof(*done));
	_cleanup_build_ struct build before = {.parent = live->parent};
	_cleanup_record_ struct record build = {0};
	int found = 1, open = 1;

	record_copy(&build, &live->record);
	for (size_t i = 0; i < losses->len; i++) {
		ret[i] = (struct owner){0};
		at[i] = losses->list[i].live;
	}
	for (unsigned i = 0; found > 0 && open > 0 && i < BUILDS_MAX; i++) {
		found = step(&before, ledger, target);
		if (found < 0)
			return -1;
		open = attribute(ret, at, done, losses, ledger, found ? &before : NULL,
			&build, caller);
		record_free(&build);
		record_copy(&build, &before.record);
	}
	/* What is older than all of that is at least in the live build. */
	for (size_t i = 0; i < losses->len; i++)
		if (!ret[i].agent)
			note(&ret[i], &live->record, caller);
	return open < 0 ? -1 : 0;
}

void owners_free(struct owner *owners, size_t len)
{
	for (size_t i = 0; i < len; i++)
		free(owners[i].agent);
	free(owners);
}
