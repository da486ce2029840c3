#include "ledger/builds.h"

#include <inttypes.h>

#include "base/memory.h"

/* A system made outside safe-rebuild would otherwise cost a walk over the whole ledger.
 */
#define SEARCH_DEPTH 500
/* An estimate looks at so many builds of a kind, among so many of all. */
#define ESTIMATE_BUILDS 5
#define ESTIMATE_DEPTH 100

void build_free(struct build *build)
{
	record_free(&build->record);
	*build = (struct build){0};
}

uint64_t build_number(const struct build *build)
{
	return record_get_number(&build->record, "Build");
}

bool build_has_snapshot(const struct build *build)
{
	const char *state = record_get(&build->record, "Config-State");

	return state && !streq(state, "none");
}

bool build_is_running(const struct build *build)
{
	const char *outcome = record_get(&build->record, "Outcome");

	return outcome && streq(outcome, "running");
}

static int load(struct build *ret, struct ledger *ledger, const git_oid *id)
{
	_cleanup_git_(commit) git_commit *commit = NULL;
	const char *message, *record;

	*ret = (struct build){0};
	if (git_commit_lookup(&commit, ledger->repository, id) < 0)
		return git_failed("cannot read the ledger '%s'", ledger->path);
	ret->commit = *id;
	ret->tree = *git_commit_tree_id(commit);
	if (git_commit_parentcount(commit))
		ret->parent = *git_commit_parent_id(commit, 0);
	message = git_commit_message(commit);
	record = strstr(message, "\n\n");
	if (record)
		record_parse(&ret->record, record + 2, strlen(record + 2));
	return 1;
}

static int load_reference(struct build *ret, struct ledger *ledger, const char *name)
{
	git_oid id;
	int result = git_reference_name_to_id(&id, ledger->repository, name);

	*ret = (struct build){0};
	if (result == GIT_ENOTFOUND)
		return 0;
	if (result < 0)
		return git_failed("cannot read the ledger '%s'", ledger->path);
	return load(ret, ledger, &id);
}

int build_tip(struct build *ret, struct ledger *ledger)
{
	return load_reference(ret, ledger, "refs/heads/builds");
}

int build_step_back(struct build *build, struct ledger *ledger)
{
	git_oid parent = build->parent;

	build_free(build);
	return git_oid_is_zero(&parent) ? 0 : load(build, ledger, &parent);
}

int build_in_chain(struct build *ret, struct ledger *ledger, uint64_t number)
{
	int found;

	for (found = build_tip(ret, ledger); found > 0;
		found = build_step_back(ret, ledger)) {
		if (build_number(ret) == number)
			return 1;
		/* No later one of the chain can have it: it was given out after this
		 * ended. */
		if (record_get_number(&ret->record, "Numbers-Given") < number) {
			build_free(ret);
			return 0;
		}
	}
	return found;
}

int build_by_number(struct build *ret, struct ledger *ledger, uint64_t number)
{
	_cleanup_free_ char *running = xasprintf("refs/running/%" PRIu64, number);
	int found = build_in_chain(ret, ledger, number);

	return found ? found : load_reference(ret, ledger, running);
}

int build_by_agent(
	struct build *ret, struct ledger *ledger, const char *target, const char *agent)
{
	_cleanup_free_ char *name = xasprintf("refs/agents/%s/%s", target, agent);

	return load_reference(ret, ledger, name);
}

/*
 * Whether the build brought its System-After about. A build that failed before it changed
 * anything also ends with what was live before it.
 */
static bool made_its_system(const struct build *build, const char *target)
{
	const struct record *record = &build->record;
	const char *before = record_get(record, "System-Before");
	const char *after = record_get(record, "System-After");
	const char *action = record_get(record, "Action"),
		   *outcome = record_get(record, "Outcome");
	const char *its_target = record_get(record, "Target");

	if (!after || !action || !outcome || !its_target || !streq(its_target, target))
		return false;
	if (!before || !streq(before, after))
		return true;
	return (streq(action, "switch") || streq(action, "boot") ||
		       streq(action, "test")) &&
	       (streq(outcome, "succeeded") || streq(outcome, "partly"));
}

int build_by_system(struct build *ret, struct ledger *ledger, const char *target,
	const char *store_path)
{
	int found = build_tip(ret, ledger);

	for (unsigned depth = 0; found > 0 && depth < SEARCH_DEPTH; depth++) {
		const char *profile = record_get(&ret->record, "Profile-After");
		const char *its_target = record_get(&ret->record, "Target");

		if (made_its_system(ret, target) &&
			streq(record_get(&ret->record, "System-After"), store_path))
			return 1;
		if (profile && its_target && streq(its_target, target) &&
			streq(profile, store_path))
			return 1;
		found = build_step_back(ret, ledger);
	}
	build_free(ret);
	return found < 0 ? -1 : 0;
}

int build_live_at(
	struct build *ret, struct ledger *ledger, const char *target, time_t when)
{
	int found = build_tip(ret, ledger);

	for (unsigned depth = 0; found > 0 && depth < SEARCH_DEPTH; depth++) {
		time_t finished = record_get_time(&ret->record, "Finished");

		if (finished && finished <= when && made_its_system(ret, target))
			return 1;
		found = build_step_back(ret, ledger);
	}
	build_free(ret);
	return found < 0 ? -1 : 0;
}

static int compare_seconds(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static int64_t median(int64_t *values, size_t len)
{
	if (!len)
		return 0;
	qsort(values, len, sizeof(*values), compare_seconds);
	return values[len / 2];
}

/* The build's duration where it says something about the next one; -1 otherwise. */
static int64_t telling_duration(const struct record *record, const char *target)
{
	const char *outcome = record_get(record, "Outcome");
	const char *its_target = record_get(record, "Target");
	time_t started = record_get_time(record, "Started");
	time_t finished = record_get_time(record, "Finished");

	if (!outcome || !its_target || !streq(its_target, target) || finished < started ||
		(!streq(outcome, "succeeded") && !streq(outcome, "partly")))
		return -1;
	return finished - started;
}

int build_expected_seconds(
	int64_t *ret, struct ledger *ledger, const char *target, const char *command)
{
	int64_t same[ESTIMATE_BUILDS], any[ESTIMATE_BUILDS];
	size_t same_len = 0, any_len = 0;
	struct build build;
	int found = build_tip(&build, ledger);

	for (unsigned depth = 0;
		found > 0 && depth < ESTIMATE_DEPTH && same_len < ARRAY_LEN(same);
		depth++) {
		const char *its_command = record_get(&build.record, "Command");
		int64_t seconds = telling_duration(&build.record, target);

		if (seconds >= 0 && its_command && streq(its_command, command))
			same[same_len++] = seconds;
		if (seconds >= 0 && any_len < ARRAY_LEN(any))
			any[any_len++] = seconds;
		found = build_step_back(&build, ledger);
	}
	build_free(&build);
	*ret = same_len ? median(same, same_len) : median(any, any_len);
	return found < 0 ? -1 : 0;
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t x = build_number(a), y = build_number(b);

	return x < y ? -1 : x > y;
}

int builds_running(struct build **ret, size_t *ret_len, struct ledger *ledger)
{
	_cleanup_git_(reference_iterator) git_reference_iterator *iterator = NULL;
	struct build *builds = NULL;
	const char *name;
	size_t len = 0;

	if (git_reference_iterator_glob_new(
		    &iterator, ledger->repository, "refs/running/*") < 0)
		return git_failed("cannot read the ledger '%s'", ledger->path);
	while (git_reference_next_name(&name, iterator) == 0) {
		struct build build;

		/* One that ended since the listing is simply not running any more. */
		if (load_reference(&build, ledger, name) <= 0)
			continue;
		builds = xreallocarray(builds, len + 1, sizeof(*builds));
		builds[len++] = build;
	}
	if (len)
		qsort(builds, len, sizeof(*builds), compare_numbers);
	*ret = builds;
	*ret_len = len;
	return 0;
}
