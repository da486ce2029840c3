#include "commands/fates.h"

#include <inttypes.h>

#include "base/memory.h"
#include "rebuild/system.h"

int fates_begin(struct fates *ret, struct ledger *ledger, const struct settings *settings)
{
	_cleanup_target_ struct target target = {0};
	_cleanup_system_ struct system_state now = {0};

	*ret = (struct fates){.lineage.newer = BUILD_INIT};
	target_by_name(&target, settings, NULL);
	system_read(&now, settings, &target);
	return lineage_begin(&ret->lineage, ledger, target.name, now.profile) < 0 ? -1
										  : 0;
}

void fates_free(struct fates *fates)
{
	lineage_free(&fates->lineage);
	strv_free(&fates->redone);
	strv_free(&fates->undone);
	strv_free(&fates->by);
}

static void note_undone(struct fates *fates, const struct build *build)
{
	_cleanup_strv_ struct strv names = {0};

	if (!build->allowed_undo || !build_took_effect(build))
		return;
	strv_split(&names, build->allowed_undo, ",");
	for (size_t i = 0; i < names.len; i++) {
		strv_add(&fates->undone, names.words[i]);
		strv_take(&fates->by, xasprintf("%" PRIu64, build->number));
	}
}

static void note_redone(struct fates *fates, const struct build *build)
{
	_cleanup_strv_ struct strv names = {0};

	if (!build->allowed_redo || !build_took_effect(build))
		return;
	strv_split(&names, build->allowed_redo, ",");
	for (size_t i = 0; i < names.len; i++)
		strv_add(&fates->redone, names.words[i]);
}

struct fate fates_find(struct fates *fates, const struct build *build)
{
	_cleanup_free_ char *number = xasprintf("%" PRIu64, build->number);
	struct fate fate = {0};

	for (size_t i = 0; i < fates->undone.len && !fate.by; i++)
		if (streq(fates->undone.words[i], number))
			fate.by = xstrdup(fates->by.words[i]);
	if (build->target && target_is_system(build->target)) {
		/* One that went back is undone, not rolled back. */
		fate.is_out = lineage_look(&fates->lineage, build) == STANDING_OUT &&
			      !build->back_to && !strv_has(&fates->redone, number);
		if (fate.is_out)
			set_string(&fate.by,
				fates->lineage.rollback
					? xasprintf("%" PRIu64, fates->lineage.rollback)
					: NULL);
	}
	/* A build that is out no longer affects others. */
	if (!fate.is_out) {
		note_undone(fates, build);
		note_redone(fates, build);
	}
	return fate;
}

void fate_put(struct strbuf *out, const struct fate *fate)
{
	if (fate->is_out && fate->by)
		strbuf_printf(out, "; rolled back by build %s", fate->by);
	else if (fate->is_out)
		strbuf_puts(out, "; rolled back outside safe-rebuild");
	else if (fate->by)
		strbuf_printf(out, "; undone by build %s", fate->by);
}

void fate_put_json(json_t *object, const struct fate *fate)
{
	if (fate->by)
		json_object_set_new(object, fate->is_out ? "rolled_back_by" : "undone_by",
			json_integer(strtoll(fate->by, NULL, 10)));
	else if (fate->is_out)
		json_object_set_new(object, "rolled_back_by", json_integer(0));
}
