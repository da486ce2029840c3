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

static const char *judge(enum action action, const struct ending *ending)
{
	if (ending->exit_status == 0)
		return "succeeded";
	if (ending->cancelled)
		return "cancelled";
	if (ending->signalled)
		return "interrupted";
	if (action_changes_system(action) && is_partial(ending->exit_status) &&
		!system_equals(ending->before, ending->after))
		return "partly";
	return "failed";
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

void outcome_record(struct record *build, enum action action, const struct ending *ending)
{
	record_set(build, "Outcome", judge(action, ending));
	record_setf(build, "Exit-Status", "%d", ending->exit_status);
	/* One that changes nothing runs beside those that do: their work is not its own.
	 */
	if (!action_changes_system(action))
		return;
	record_set(build, "System-Before", aim(action, ending->before));
	record_set(build, "System-After", aim(action, ending->after));
	/* A switch that fails after it has set the profile: what boots next is its work.
	 */
	if (profile_changed(ending) && ending->after->profile &&
		!streq(ending->after->profile, record_get(build, "System-After")
						       ? record_get(build, "System-After")
						       : ""))
		record_set(build, "Profile-After", ending->after->profile);
	if (ending->before->generation)
		record_setf(build, "Generation-Before", "%" PRIu64,
			ending->before->generation);
	if (ending->after->generation)
		record_setf(build, "Generation", "%" PRIu64, ending->after->generation);
}

char *outcome_sentence(const struct record *build, const struct ending *ending)
{
	const char *outcome = record_get(build, "Outcome");
	const uint64_t number = record_get_number(build, "Build");
	_cleanup_free_ char *took = clock_duration(
		record_get_time(build, "Finished") - record_get_time(build, "Started"));
	char *text = NULL;
	size_t len;
	FILE *out = text_stream(&text, &len);

	fprintf(out, "%s %s: ", record_get(build, "Action"),
		streq(outcome, "partly") ? "succeeded in part" : outcome);
	if (number)
		fprintf(out, "build %" PRIu64, number);
	else
		fprintf(out, "not recorded");
	if (record_get(build, "Generation") && profile_changed(ending))
		fprintf(out, ", generation %" PRIu64, ending->after->generation);
	fprintf(out, ", %s", took);
	if (ending->exit_status > EXIT_SIGNAL_BASE && ending->signalled)
		fprintf(out, ", signal %d", ending->exit_status - EXIT_SIGNAL_BASE);
	else if (ending->exit_status)
		fprintf(out, ", exit status %d", ending->exit_status);
	if (ending->exit_status && record_get(build, "Generation") &&
		profile_changed(ending))
		fprintf(out, "; the next boot takes the new system all the same");
	fclose(out);
	return text;
}
