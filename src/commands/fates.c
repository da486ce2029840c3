#include "commands/fates.h"

#include <inttypes.h>

#include "base/memory.h"
#include "rebuild/system.h"

int fates_begin(struct fates *ret, struct ledger *ledger, const struct settings *settings)
{
	_cleanup_target_ struct target target = target_by_name(settings, NULL);
	_cleanup_system_ struct system_state now = system_read(settings, &target);

	int found;

	*ret = (struct fates){.lineage.newer = BUILD_INIT};
	found = lineage_begin(&ret->lineage, ledger, target.name, now.profile);
	/* If only what boots next was set back, what runs is not out. */
	if (found > 0 && !system_is_same(now.running, now.profile)) {
		lineage_free(&ret->lineage);
		found = lineage_begin(&ret->lineage, ledger, target.name, now.running);
	}
	return found < 0 ? -1 : 0;
}

static void allowed_free(struct allowed *allowed)
{
	strv_free(&allowed->numbers);
	strv_free(&allowed->by);
}

void fates_free(struct fates *fates)
{
	lineage_free(&fates->lineage);
	allowed_free(&fates->redone);
	allowed_free(&fates->undone);
	allowed_free(&fates->taken);
}

static void note(struct allowed *allowed, const char *numbers, const struct build *build)
{
	_cleanup_strv_ struct strv names = strv_split(numbers, ",");

	for (size_t i = 0; i < names.len; i++) {
		strv_add(&allowed->numbers, names.words[i]);
		strv_take(&allowed->by, xasprintf("%" PRIu64, build->number));
	}
}

/* The build that names this one, the oldest or the newest of them; 0: none. */
static uint64_t find_namer(
	const struct allowed *allowed, const struct build *build, bool oldest)
{
	_cleanup_free_ char *number = xasprintf("%" PRIu64, build->number);
	uint64_t ret = 0;

	for (size_t i = 0; i < allowed->numbers.len && (oldest || !ret); i++)
		if (streq(allowed->numbers.words[i], number))
			ret = strtoull(allowed->by.words[i], NULL, 10);
	return ret;
}

struct fate fates_find(struct fates *fates, const struct build *build)
{
	_cleanup_free_ char *number = xasprintf("%" PRIu64, build->number);
	struct fate fate = {.by = find_namer(&fates->undone, build, false)};

	if (build->target && target_is_system(build->target)) {
		/* One that went back is undone, not rolled back. */
		fate.is_out = lineage_look(&fates->lineage, build) == STANDING_OUT &&
			      !build->back_to &&
			      !strv_has(&fates->redone.numbers, number);
		/* A later rollback may go back behind one that took it out first. */
		if (fate.is_out)
			fate.by = find_namer(&fates->taken, build, true);
		if (fate.is_out && !fate.by)
			fate.by = fates->lineage.rollback;
	}
	note(&fates->taken, build->rolled_back, build);
	/* A build that is out no longer affects others. */
	if (!fate.is_out && build_took_effect(build)) {
		note(&fates->undone, build->allowed_undo, build);
		note(&fates->redone, build->allowed_redo, build);
		note(&fates->redone, build->changed_work, build);
	}
	return fate;
}

void fate_put(struct strbuf *out, const struct fate *fate)
{
	if (fate->is_out && fate->by)
		strbuf_printf(out, "; rolled back by build %" PRIu64, fate->by);
	else if (fate->is_out)
		strbuf_puts(out, "; rolled back outside safe-rebuild");
	else if (fate->by)
		strbuf_printf(out, "; undone by build %" PRIu64, fate->by);
}

void fate_put_json(json_t *object, const struct fate *fate)
{
	if (fate->is_out || fate->by)
		json_object_set_new(object, fate->is_out ? "rolled_back_by" : "undone_by",
			json_integer((json_int_t)fate->by));
}
