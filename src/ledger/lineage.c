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

	*ret = (struct lineage){0};
	if (!profile)
		return 0;
	found = find_newest(&newest, ledger, target);
	if (found <= 0 || (newest.system_after && streq(newest.system_after, profile)) ||
		(newest.profile_after && streq(newest.profile_after, profile)))
		return found < 0 ? -1 : 0;
	/* One that no build has made is new work, not an old system. */
	found = build_by_system(&maker, ledger, profile);
	if (found > 0)
		ret->resumed = xstrdup(profile);
	return found;
}

enum standing lineage_look(struct lineage *lineage, const struct build *build)
{
	if (!build_made_its_system(build))
		return STANDING_NONE;
	if (lineage->resumed &&
		(build->back_to || !streq(build->system_after, lineage->resumed)))
		return STANDING_OUT;
	set_string(&lineage->resumed, NULL);
	/* A rollback that was cut off may have taken nothing out. */
	if (build->back_to && build_took_effect(build)) {
		lineage->resumed = xstrdup(build->system_after);
		lineage->rollback = build->number;
	}
	return STANDING_LIVE;
}

void lineage_free(struct lineage *lineage)
{
	free(lineage->resumed);
}
