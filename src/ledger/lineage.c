#include "ledger/lineage.h"

#include "base/memory.h"

/* The newest build that decided what boots next. */
static int find_newest(struct build *ret, struct ledger *ledger, const char *target)
{
	struct build_walk walk = builds_walk(ledger, target);
	int found;

	while ((found = builds_next(ret, &walk)) > 0)
		if (ret->profile_after ||
			(build_made_its_system(ret) && !streq(ret->action, "test")))
			break;
	return found;
}

int lineage_begin(struct lineage *ret, struct ledger *ledger, const char *target,
	const char *profile)
{
	_cleanup_build_ struct build newest = BUILD_INIT, maker = BUILD_INIT;
	int found;

	*ret = (struct lineage){.ledger = ledger, .newer = BUILD_INIT};
	if (!profile)
		return 0;
	found = find_newest(&newest, ledger, target);
	if (found <= 0 || streq_known(newest.system_after, profile) ||
		streq_known(newest.profile_after, profile))
		return found < 0 ? -1 : 0;
	/* A system that no build has made is new work: nobody went back. */
	found = build_by_system(&maker, ledger, profile);
	if (found > 0)
		ret->resumed = xstrdup(profile);
	return found;
}

/* After these, the running system is the one that boots. */
static bool changes_both(const struct build *build)
{
	return build->back_to || streq_known(build->action, "switch");
}

bool build_follows(const struct build *newer, const struct build *older)
{
	return !changes_both(newer) || !changes_both(older) || !newer->system_before ||
	       !older->system_after || streq(newer->system_before, older->system_after);
}

/* Whether somebody went back between the two: a build before this one made the system
 * that the newer one found. */
static bool was_gone_back(const struct lineage *lineage, const struct build *build)
{
	struct build_walk walk = builds_walk_before(lineage->ledger, build);
	const char *found = lineage->newer.system_before;
	_cleanup_build_ struct build older = BUILD_INIT;

	if (!lineage->newer.number || build_follows(&lineage->newer, build))
		return false;
	walk.with_snapshot = false;
	while (builds_next(&older, &walk) > 0)
		if (build_made_its_system(&older) && streq(older.system_after, found))
			return true;
	return false;
}

enum standing lineage_look(struct lineage *lineage, const struct build *build)
{
	if (!build_made_its_system(build))
		return STANDING_NONE;
	if (!lineage->resumed && was_gone_back(lineage, build)) {
		lineage->resumed = xstrdup(lineage->newer.system_before);
		lineage->rollback = 0;
	}
	if (lineage->resumed &&
		(build->back_to || !streq(build->system_after, lineage->resumed))) {
		/* A later build may have made the same system again. */
		return !build->back_to && streq_known(lineage->live, build->system_after)
			       ? STANDING_LIVE
			       : STANDING_OUT;
	}
	set_string(&lineage->resumed, NULL);
	if (!lineage->live)
		lineage->live = xstrdup(build->system_after);
	build_free(&lineage->newer);
	build_copy(&lineage->newer, build);
	/* A rollback that was interrupted may have taken nothing out. */
	if (build->back_to && build_took_effect(build)) {
		lineage->resumed = xstrdup(build->system_after);
		lineage->rollback = build->number;
	}
	return STANDING_LIVE;
}

void lineage_free(struct lineage *lineage)
{
	free(lineage->resumed);
	free(lineage->live);
	build_free(&lineage->newer);
}
