#include "run/outcome.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/message.h"

static bool running_changed(const struct ending *ending)
{
	return !system_is_same(ending->before->running, ending->after->running);
}

static bool profile_changed(const struct ending *ending)
{
	return !system_is_same(ending->before->profile, ending->after->profile);
}

/* Units failed, after all of them had been dealt with (switch-to-configuration-ng). */
#define STATUS_UNITS_FAILED 4

/*
 * The link to the running system is set near the end of an activation: if it was cut off,
 * the link has not changed. Nor has it if the same system was activated again.
 */
static bool is_mixture(const struct ending *ending)
{
	const struct system_state *after = ending->after;

	if (!ending->exit_status || ending->taken_back || ending->superseded ||
		ending->exit_status == STATUS_UNITS_FAILED || !ending->activation_begun ||
		running_changed(ending))
		return false;
	return !ending->sets_profile || !system_is_same(after->running, after->profile);
}

static enum outcome judge(enum action action, const struct ending *ending)
{
	if (ending->exit_status == 0)
		return OUTCOME_SUCCEEDED;
	if (ending->taken_back)
		return OUTCOME_ROLLED_BACK;
	if (ending->cancelled)
		return OUTCOME_CANCELLED;
	if (ending->signalled)
		return OUTCOME_INTERRUPTED;
	if (action_changes_system(action) &&
		(running_changed(ending) || is_mixture(ending)))
		return OUTCOME_PARTLY;
	return OUTCOME_FAILED;
}

static void note(char **member, const char *path)
{
	set_string(member, xstrdup(path));
}

void outcome_note_before(
	struct build *build, enum action action, const struct system_state *before)
{
	if (!action_changes_system(action))
		return;
	note(&build->system_before, system_aim(before, action));
	build->generation_before = before->generation;
}

void outcome_judge(struct build *build, enum action action, const struct ending *ending)
{
	build->outcome = judge(action, ending);
	build->exit_status = ending->exit_status;
	/* One that changes nothing runs beside others, whose work is not its own. */
	if (!action_changes_system(action))
		return;
	outcome_note_before(build, action, ending->before);
	note(&build->system_after, system_aim(ending->after, action));
	/* A switch that failed after it set the profile still decides what boots next. */
	if (ending->sets_profile && profile_changed(ending) && ending->after->profile &&
		(!build->system_after ||
			!streq(ending->after->profile, build->system_after)))
		note(&build->profile_after, ending->after->profile);
	build->generation = ending->after->generation;
}

char *outcome_sentence(const struct build *build, const struct ending *ending)
{
	const bool moved = profile_changed(ending);
	_cleanup_free_ char *took = clock_duration(build->finished - build->started);
	struct strbuf out = STRBUF_INIT;

	strbuf_printf(&out, "%s %s", build->action,
		build->outcome == OUTCOME_PARTLY ? "partly succeeded"
						 : outcome_words[build->outcome]);
	if (build->taken_back)
		strbuf_printf(&out, " (%s)", build->taken_back);
	strbuf_puts(&out, ": ");
	if (build->number)
		strbuf_printf(&out, "build %" PRIu64, build->number);
	else
		strbuf_puts(&out, "not recorded");
	if (build->generation)
		strbuf_printf(&out, ", generation %" PRIu64 "%s", build->generation,
			moved ? "" : " (unchanged)");
	strbuf_printf(&out, ", %s", took);
	if (ending->exit_status > EXIT_SIGNAL_BASE && ending->signalled)
		strbuf_printf(
			&out, ", signal %d", ending->exit_status - EXIT_SIGNAL_BASE);
	else if (ending->exit_status)
		strbuf_printf(&out, ", exit status %d", ending->exit_status);
	if (is_mixture(ending))
		strbuf_puts(&out,
			"; activation had begun and did not finish: what runs is "
			"a mixture of two systems");
	if (ending->boot_loader_failed)
		strbuf_puts(&out,
			"; installing the boot loader failed: what boots next is "
			"not known");
	else if (ending->exit_status && moved && ending->sets_profile)
		strbuf_puts(&out,
			system_is_same(ending->after->running, ending->after->profile)
				? "; the new system runs, and boots next"
				: "; but the next boot takes the new system");
	return strbuf_take(&out);
}
