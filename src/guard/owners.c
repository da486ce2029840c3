#include "guard/owners.h"

#include "base/memory.h"

static void note(struct owner *owner, const struct build *build, const char *caller)
{
	const bool is_foreign = !build_is_of_agent(build, caller);

	if (owner->is_foreign || (owner->agent && !is_foreign))
		return;
	set_string(&owner->agent, xstrdup(build->agent));
	owner->build = build->number;
	owner->is_foreign = is_foreign;
}

/* What of the paths still differs from the ancestor in build is the work of it, where the
 * build before had another version. */
static int attribute(struct owner *owners, git_oid *at, bool *done,
	const struct losses *losses, struct ledger *ledger, const struct build *before,
	const struct build *build, const char *caller)
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
	_cleanup_free_ git_oid *at = xcalloc(losses->len + 1, sizeof(*at));
	_cleanup_free_ bool *done = xcalloc(losses->len + 1, sizeof(*done));
	_cleanup_build_ struct build before = BUILD_INIT, build = BUILD_INIT;
	struct build_walk walk = builds_walk_before(ledger, live);
	int found = 1, open = 1;

	build_copy(&build, live);
	for (size_t i = 0; i < losses->len; i++) {
		ret[i] = (struct owner){0};
		at[i] = losses->list[i].live;
	}
	while (found > 0 && open > 0) {
		found = builds_next(&before, &walk);
		if (found < 0)
			return -1;
		open = attribute(ret, at, done, losses, ledger, found ? &before : NULL,
			&build, caller);
		build_free(&build);
		build = before;
		before = (struct build)BUILD_INIT;
	}
	/* What is older than all of that is at least in the live build. */
	for (size_t i = 0; i < losses->len; i++)
		if (!ret[i].agent)
			note(&ret[i], live, caller);
	return open < 0 ? -1 : 0;
}

void owners_free(struct owner *owners, size_t len)
{
	for (size_t i = 0; i < len; i++)
		free(owners[i].agent);
	free(owners);
}
