#include "run/rollback_choice.h"

#include <errno.h>
#include <inttypes.h>

#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "guard/typed.h"
#include "ledger/builds.h"
#include "ledger/lineage.h"
#include "record/config_name.h"
#include "settings/sharing.h"

/* At most this many generations are searched for another system. */
#define GENERATIONS_MAX 100

/* The build that made the system, not a rollback to it. */
static int find_maker(struct build *ret, const struct run *run, const char *system)
{
	struct build_walk walk = builds_walk(run->ledger, run->target.name);
	int found;

	while ((found = builds_next(ret, &walk)) > 0)
		if (!ret->back_to && build_made_its_system(ret) &&
			streq(ret->system_after, system))
			break;
	return found;
}

char *rollback_name_system(
	const struct run *run, const char *system, const struct system_state *now)
{
	_cleanup_build_ struct build maker = BUILD_INIT;

	if (find_maker(&maker, run, system) > 0)
		return xasprintf("%" PRIu64, maker.number);
	for (uint64_t i = 0; i < now->generation && i < GENERATIONS_MAX; i++) {
		_cleanup_free_ char *path =
			system_generation_path(run->settings, now->generation - i);

		if (path && streq(path, system))
			return xasprintf("gen:%" PRIu64, now->generation - i);
	}
	return xstrdup(system);
}

char *rollback_goal(const struct run *run)
{
	return xasprintf("%s%s", run->back.to.number ? "build " : "", run->build.back_to);
}

/* For a system that was not named by its build. */
static int choose_system(
	struct run *run, const char *system, const struct system_state *now)
{
	run->back.system = xstrdup(system);
	run->build.back_to = rollback_name_system(run, system, now);
	return find_maker(&run->back.to, run, system) < 0 ? -1 : 0;
}

static int choose_generation_before(struct run *run, const struct system_state *now)
{
	bool any = false;

	for (uint64_t i = 1; i < now->generation && i <= GENERATIONS_MAX; i++) {
		_cleanup_free_ char *system =
			system_generation_path(run->settings, now->generation - i);
		uint64_t by;
		int out;

		if (!system || (now->running && streq(system, now->running)))
			continue;
		any = true;
		out = rollback_was_taken_out(&by, run, system, now);
		if (out <= 0)
			return out < 0 ? -1 : choose_system(run, system, now);
	}
	return error(
		"there is nothing to go back to: %s (name one: rollback BUILD, gen:N "
		"or a store path)",
		any ? "every earlier build and generation has been taken out already"
		    : "no earlier build or generation is known");
}

/* Whether the last thing that was done is a "boot" that has not taken effect yet. */
static bool is_boot_pending(const struct run *run, const struct system_state *now)
{
	struct build_walk walk = builds_walk(run->ledger, run->target.name);
	_cleanup_build_ struct build last = BUILD_INIT;

	if (!now->running || !now->profile || streq(now->running, now->profile))
		return false;
	while (builds_next(&last, &walk) > 0)
		if (build_made_its_system(&last))
			return streq(last.action, "boot") &&
			       streq(last.system_after, now->profile);
	return false;
}

/* What ran before the build that runs now; before one that only boots next: what runs. */
static int choose_before(struct run *run, const struct system_state *now)
{
	_cleanup_build_ struct build live = BUILD_INIT;
	uint64_t by;
	int found;

	if (is_boot_pending(run, now))
		return choose_system(run, now->running, now);
	found = now->running ? find_maker(&live, run, now->running) : 0;
	if (found > 0 && live.system_before && !streq(live.system_before, now->running)) {
		found = rollback_was_taken_out(&by, run, live.system_before, now);
		if (!found)
			return choose_system(run, live.system_before, now);
	}
	return found < 0 ? -1 : choose_generation_before(run, now);
}

/* For "@AGENT": the agent's newest good build that is not what runs. */
static int find_good_of(
	struct build *ret, const struct run *run, const char *agent, const char *running)
{
	struct build_walk walk = builds_walk(run->ledger, run->target.name);
	int found;

	while ((found = builds_next(ret, &walk)) > 0)
		if (build_is_of_agent(ret, agent) && !ret->back_to &&
			build_made_its_system(ret) && ret->outcome == OUTCOME_SUCCEEDED &&
			(!running || !streq(ret->system_after, running)))
			break;
	return found ? found
		     : error("there is no good build of '%s' to go back to", agent);
}

static int choose_build(struct run *run, const char *name, const struct system_state *now)
{
	struct build *to = &run->back.to;
	int found;

	if (*name == '@' && agent_name_is_valid(name + 1))
		found = find_good_of(to, run, name + 1, now->running);
	else
		found = build_by_name(to, run->ledger, run->settings, name);
	if (found < 0)
		return -1;
	if (!to->system_after || !build_made_its_system(to) ||
		!build_is_of_target(to, run->target.name))
		return error("build %" PRIu64 " did not change the system of this "
			     "machine",
			to->number);
	run->back.system = xstrdup(to->system_after);
	run->build.back_to = xasprintf("%" PRIu64, to->number);
	return 0;
}

static int choose_by_name(
	struct run *run, const char *name, const struct system_state *now)
{
	_cleanup_free_ char *system = NULL;
	uint64_t number;

	if (*name == '/')
		return choose_system(run, name, now);
	if (!starts_with(name, "gen:") || !text_to_number(name + 4, UINT64_MAX, &number))
		return choose_build(run, name, now);
	system = system_generation_path(run->settings, number);
	return system ? choose_system(run, system, now)
		      : error("there is no generation %" PRIu64, number);
}

/* Members of the group can write records, so root executes only what the machine itself
 * says was one of its systems, or what the caller names by its path. */
static bool is_vouched_for(
	const struct run *run, const char *name, const struct system_state *now)
{
	const char *system = run->back.system;

	return !sharing_of(run->settings)->is_shared || (name && *name == '/') ||
	       (now->running && streq(now->running, system)) ||
	       (now->profile && streq(now->profile, system)) ||
	       system_is_generation(&run->target, system);
}

char *rollback_call_there(
	const struct run *run, const struct build *build, char **ret_git)
{
	_cleanup_free_ char *checkout = checkout_of_build(build);
	_cleanup_free_ char *directory = checkout || !build->config
						 ? xstrdup(checkout)
						 : config_directory(build->config);
	_cleanup_free_ char *quoted = NULL;

	*ret_git = NULL;
	if (!directory || access(directory, F_OK) < 0) {
		*ret_git = xstrdup("git");
		return xasprintf("%ssafe-rebuild", run->caller.elevation);
	}
	quoted = text_shell_word(directory);
	*ret_git = checkout ? xstrdup("git") : typed_git_beneath(directory);
	return xasprintf("cd %s && %ssafe-rebuild", quoted, run->caller.elevation);
}

/* It may have been garbage-collected. */
static int check_system(
	const struct run *run, const char *name, const struct system_state *now)
{
	const struct build *to = &run->back.to;
	_cleanup_free_ char *goal = rollback_goal(run), *ours = NULL, *git = NULL;
	_cleanup_free_ char *script =
		xasprintf("%s/bin/switch-to-configuration", run->back.system);

	if (!is_vouched_for(run, name, now))
		return error("the system of %s is no generation of '%s', only the ledger "
			     "names it: safe-rebuild rollback %s, if you trust that",
			goal, run->target.profile, run->back.system);
	if (access(script, X_OK) == 0)
		return 0;
	error("the system of %s is gone ('%s'): %s", goal, run->back.system,
		strerror(errno));
	ours = rollback_call_there(run, to, &git);
	if (to->number && build_has_snapshot(to))
		say("its configuration is recorded; to build it again, without what came "
		    "after it: %s show %" PRIu64
		    " --patch --since live | %s apply --whitespace=nowarn",
			ours, to->number, git);
	return -1;
}

int rollback_choose(struct run *run, const char *name, const struct system_state *now)
{
	set_string(&run->back.system, NULL);
	set_string(&run->build.back_to, NULL);
	build_free(&run->back.to);
	if ((name ? choose_by_name(run, name, now) : choose_before(run, now)) < 0 ||
		check_system(run, name, now) < 0)
		return -1;
	return now->running && now->profile && streq(now->running, run->back.system) &&
	       streq(now->profile, run->back.system);
}

int rollback_collect(struct builds *ret, const struct run *run, const char *system,
	const struct system_state *now)
{
	struct build_walk walk = builds_walk(run->ledger, run->target.name);
	_cleanup_build_ struct build build = BUILD_INIT, maker = BUILD_INIT;
	_cleanup_lineage_ struct lineage lineage = {.newer = BUILD_INIT};
	int found = find_maker(&maker, run, system);

	if (found < 0 ||
		lineage_begin(&lineage, run->ledger, run->target.name, now->profile) < 0)
		return -1;
	while ((found = builds_next(&build, &walk)) > 0) {
		/* What is older is part of both. */
		if (build.number <= maker.number)
			break;
		if (lineage_look(&lineage, &build) == STANDING_LIVE && !build.back_to)
			builds_add(ret, &build);
	}
	return found < 0 ? -1 : 0;
}

int rollback_was_taken_out(uint64_t *ret_by, const struct run *run, const char *system,
	const struct system_state *now)
{
	struct build_walk walk = builds_walk(run->ledger, run->target.name);
	_cleanup_build_ struct build build = BUILD_INIT;
	_cleanup_lineage_ struct lineage lineage = {.newer = BUILD_INIT};
	bool was_left = false; /* by a rollback: all we know of a system made outside */
	int found = lineage_begin(&lineage, run->ledger, run->target.name, now->profile);

	while (found >= 0 && (found = builds_next(&build, &walk)) > 0) {
		const enum standing standing = lineage_look(&lineage, &build);

		if (standing == STANDING_LIVE && build.back_to && build.system_before &&
			streq(build.system_before, system) && !was_left) {
			was_left = true;
			*ret_by = build.number;
		}
		if (standing == STANDING_NONE || build.back_to ||
			!streq(build.system_after, system))
			continue;
		if (standing == STANDING_OUT)
			*ret_by = lineage.rollback;
		return standing == STANDING_OUT;
	}
	return found < 0 ? -1 : was_left;
}
