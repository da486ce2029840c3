#include "run/outcome.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/message.h"

/*
 * Exit statuses of switch-to-configuration that nixos-rebuild-ng passes through when the
 * system has been switched: 2 the activation script failed, 4 units failed, 100 takes
 * effect at the next boot (nixpkgs, switch-to-configuration-ng). 100 is also nix-build's
 * "build failed", so the links decide.
 */
static bool is_partial(int exit_status)
{
	return exit_status == 2 || exit_status == 4 || exit_status == 100;
}

static enum outcome judge(enum action action, const struct ending *ending)
{
	if (ending->exit_status == 0)
		return OUTCOME_SUCCEEDED;
	if (ending->cancelled)
		return OUTCOME_CANCELLED;
	if (ending->signalled)
		return OUTCOME_INTERRUPTED;
	if (action_changes_system(action) && is_partial(ending->exit_status) &&
		!system_equals(ending->before, ending->after))
		return OUTCOME_PARTLY;
	return OUTCOME_FAILED;
}

/* What the action aims at: boot changes the profile alone, the others what runs. */
static const char *aim(enum action action, const struct system_state *state)
{
	return action_is_for_boot(action) ? state->profile : state->running;
}

static bool profile_changed(const struct ending *ending)
{
	const char *before = ending->before->profile, *after = ending->after->profile;

	return before && after ? !streq(before, after) : before != after;
}

static void note(char **member, const char *path)
{
	set_string(member, path ? xstrdup(path) : NULL);
}

void outcome_judge(struct build *build, enum action action, const struct ending *ending)
{
	build->outcome = judge(action, ending);
	build->exit_status = ending->exit_status;
	/* One that changes nothing runs beside those that do: their work is not its own.
	 */
	if (!action_changes_system(action))
		return;
	note(&build->system_before, aim(action, ending->before));
	note(&build->system_after, aim(action, ending->after));
	/* A switch that fails after it has set the profile: what boots next is its work.
	 */
	if (profile_changed(ending) && ending->after->profile &&
		(!build->system_after ||
			!streq(ending->after->profile, build->system_after)))
		note(&build->profile_after, ending->after->profile);
	build->generation_before = ending->before->generation;
	build->generation = ending->after->generation;
}

char *outcome_sentence(const struct build *build, const struct ending *ending)
{
	const bool moved = build->generation && profile_changed(ending);
	_cleanup_free_ char *took = clock_duration(build->finished - build->started);
	struct strbuf out = STRBUF_INIT;

	strbuf_printf(&out, "%s %s: ", build->action,
		build->outcome == OUTCOME_PARTLY ? "succeeded in part"
						 : outcome_word(build->outcome));
	if (build->number)
		strbuf_printf(&out, "build %" PRIu64, build->number);
	else
		strbuf_puts(&out, "not recorded");
	if (moved)
		strbuf_printf(&out, ", generation %" PRIu64, build->generation);
	strbuf_printf(&out, ", %s", took);
	if (ending->exit_status > EXIT_SIGNAL_BASE && ending->signalled)
		strbuf_printf(
			&out, ", signal %d", ending->exit_status - EXIT_SIGNAL_BASE);
	else if (ending->exit_status)
		strbuf_printf(&out, ", exit status %d", ending->exit_status);
	if (ending->exit_status && moved)
		strbuf_puts(&out, "; the next boot takes the new system all the same");
	return strbuf_take(&out);
}
