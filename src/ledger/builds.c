#include "ledger/builds.h"

#include <limits.h>

#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "ledger/references.h"
#include "rebuild/system.h"
#include "rebuild/target.h"

/* How many builds of a kind an estimate uses, out of how many. */
#define ESTIMATE_BUILDS 5
#define ESTIMATE_DEPTH 100

/*
 * 0 if the commit is not a build: then *ret has only the ids of commit, tree and parent.
 * Silent; GIT_ENOTFOUND or GIT_EMISMATCH if the commit is lost for good.
 */
static int read_commit(struct build *ret, struct ledger *ledger, const git_oid *id)
{
	_cleanup_git_(commit) git_commit *commit = NULL;
	const char *message, *record;
	bool is_build;
	int result = git_commit_lookup(&commit, ledger->repository, id);

	/* Twice, so that one failed read is not taken for damage. */
	if (result < 0)
		result = git_commit_lookup(&commit, ledger->repository, id);
	if (result < 0)
		return result;
	message = git_commit_message(commit);
	record = strstr(message, "\n\n");
	record = record ? record + 2 : "";
	is_build = build_parse(ret, record, strlen(record)) &&
		   (ret->number || ret->outcome == OUTCOME_REFUSED);
	if (!is_build)
		build_free(ret);
	ret->commit = *id;
	ret->tree = *git_commit_tree_id(commit);
	if (git_commit_parentcount(commit))
		ret->parent = *git_commit_parent_id(commit, 0);
	return is_build;
}

static int load_reference(struct build *ret, struct ledger *ledger, const char *name)
{
	git_oid id;
	int found = git_reference_name_to_id(&id, ledger->repository, name);

	build_free(ret);
	if (found == GIT_ENOTFOUND)
		return 0;
	if (found == 0)
		found = read_commit(ret, ledger, &id);
	return found < 0 ? git_failed("cannot read the ledger '%s'", ledger->path)
			 : found;
}

struct build_walk builds_walk(struct ledger *ledger, const char *target)
{
	return (struct build_walk){.ledger = ledger,
		.target = target,
		.left = BUILDS_WALKED,
		.below = UINT64_MAX};
}

struct build_walk refusals_walk(struct ledger *ledger)
{
	return (struct build_walk){
		.ledger = ledger, .reference = REF_REFUSED, .left = BUILDS_WALKED};
}

struct build_walk builds_walk_before(struct ledger *ledger, const struct build *build)
{
	return (struct build_walk){
		.ledger = ledger,
		.target = build->target,
		.with_snapshot = true,
		.left = BUILDS_WALKED,
		.next = build->parent,
		.below = build->number,
		.started = true,
	};
}

static bool is_wanted(const struct build *build, const struct build_walk *walk)
{
	return (!walk->target || build_is_of_target(build, walk->target)) &&
	       (!walk->with_snapshot || build_has_snapshot(build));
}

/* Of the builds that the references name: replaces ret with the newest whose number is
 * lower than below, if that is newer than ret. */
static void find_newest(
	struct build *ret, struct ledger *ledger, const char *pattern, uint64_t below)
{
	_cleanup_git_(reference_iterator) git_reference_iterator *iterator = NULL;
	const char *name;

	if (git_reference_iterator_glob_new(&iterator, ledger->repository, pattern) < 0)
		return;
	while (git_reference_next_name(&name, iterator) == 0) {
		struct build build = BUILD_INIT;
		git_oid id;

		if (git_reference_name_to_id(&id, ledger->repository, name) == 0 &&
			read_commit(&build, ledger, &id) > 0 &&
			build.number > ret->number && build.number < below) {
			build_free(ret);
			*ret = build;
		} else {
			build_free(&build);
		}
	}
}

/* Only once. newest: 0 if nothing is left. */
static void say_damaged(const struct build_walk *walk, uint64_t newest)
{
	static bool said;
	const char *where = walk->below == UINT64_MAX ? "" : " further back";

	if (!said && newest)
		warn("the ledger '%s' is damaged: the newest build that is left%s is "
		     "build %" PRIu64,
			walk->ledger->path, where, newest);
	else if (!said)
		warn("the ledger '%s' is damaged: no build%s is left", walk->ledger->path,
			where);
	said = true;
}

/* Goes on behind a break in the chain: agents' last builds and all before them may still
 * be there. */
static bool bridge(struct build_walk *walk)
{
	_cleanup_build_ struct build newest = BUILD_INIT;

	if (walk->reference)
		return false;
	find_newest(&newest, walk->ledger, REF_AGENTS "*", walk->below);
	find_newest(&newest, walk->ledger, REF_BRIDGES "*", walk->below);
	if (!newest.number)
		return false;
	say_damaged(walk, newest.number);
	walk->next = newest.commit;
	walk->below = newest.number;
	return true;
}

/* After a commit that could not be read. A temporary failure must not count as the loss
 * of everything. */
static int go_on(struct build_walk *walk, int result)
{
	const bool is_lost = result == GIT_ENOTFOUND || result == GIT_EMISMATCH;

	if (bridge(walk))
		return 0;
	if (walk->below == UINT64_MAX && !(is_lost && walk->begins_anew))
		return git_failed("cannot read the ledger '%s'", walk->ledger->path);
	say_damaged(walk, 0);
	walk->left = 0;
	return 0;
}

static int start_walk(struct build_walk *walk)
{
	const int result = git_reference_name_to_id(&walk->next, walk->ledger->repository,
		walk->reference ? walk->reference : REF_CHAIN);

	walk->started = true;
	if (result == 0 || bridge(walk) || result == GIT_ENOTFOUND)
		return 0;
	return git_failed("cannot read the ledger '%s'", walk->ledger->path);
}

int builds_next(struct build *ret, struct build_walk *walk)
{
	struct ledger *ledger = walk->ledger;

	build_free(ret);
	if (!walk->started && start_walk(walk) < 0)
		return -1;
	while (!git_oid_is_zero(&walk->next) && walk->left) {
		const git_oid id = walk->next;
		int found = read_commit(ret, ledger, &id);

		walk->left--;
		if (found < 0) {
			if (go_on(walk, found) < 0)
				return -1;
			continue;
		}
		walk->next = ret->parent;
		if (ret->number)
			walk->below = ret->number;
		if (found && is_wanted(ret, walk))
			return 1;
		build_free(ret);
	}
	return 0;
}

int build_tip(struct build *ret, struct ledger *ledger)
{
	struct build_walk walk = builds_walk(ledger, NULL);

	return builds_next(ret, &walk);
}

int build_in_chain(struct build *ret, struct ledger *ledger, uint64_t number)
{
	struct build_walk walk = builds_walk(ledger, NULL);
	int found;

	walk.left = UINT_MAX;
	while ((found = builds_next(ret, &walk)) > 0) {
		if (ret->number == number)
			return 1;
		/* The number was given after this build had ended: no earlier one has it.
		 */
		if (ret->numbers_given < number)
			break;
	}
	build_free(ret);
	return found < 0 ? -1 : 0;
}

int build_by_number(struct build *ret, struct ledger *ledger, uint64_t number)
{
	_cleanup_free_ char *running = ref_of_running(number);
	int found = build_in_chain(ret, ledger, number);

	return found ? found : load_reference(ret, ledger, running);
}

int build_by_agent(
	struct build *ret, struct ledger *ledger, const char *target, const char *agent)
{
	_cleanup_free_ char *name = ref_of_agent(target ? target : "*", agent);
	struct build_walk walk = builds_walk(ledger, target);
	int found;

	if (target)
		(void)!load_reference(ret, ledger, name);
	else
		find_newest(ret, ledger, name, UINT64_MAX);
	if (ret->number)
		return 1;
	/* The agent's reference may be lost. */
	while ((found = builds_next(ret, &walk)) > 0)
		if (build_is_of_agent(ret, agent))
			return 1;
	return found;
}

bool build_made_its_system(const struct build *build)
{
	if (!build->system_after || !build->action)
		return false;
	if (!build->system_before || !streq(build->system_before, build->system_after))
		return true;
	/* A build that failed midway left a mixture, not a system. A rollback of a
	 * pending boot does not change what runs. */
	return (streq(build->action, "switch") || streq(build->action, "boot") ||
		       streq(build->action, "test") || build->back_to) &&
	       build->outcome == OUTCOME_SUCCEEDED;
}

int build_by_system(struct build *ret, struct ledger *ledger, const char *store_path)
{
	struct build_walk walk = builds_walk(ledger, NULL);
	int found;

	while ((found = builds_next(ret, &walk)) > 0) {
		if (!target_is_local(ret->target))
			continue;
		if ((build_made_its_system(ret) &&
			    streq(ret->system_after, store_path)) ||
			streq_known(ret->profile_after, store_path))
			return 1;
	}
	return found;
}

int build_live_at(
	struct build *ret, struct ledger *ledger, const char *target, time_t when)
{
	struct build_walk walk = builds_walk(ledger, target);
	int found;

	while ((found = builds_next(ret, &walk)) > 0)
		if (ret->finished && ret->finished <= when && build_made_its_system(ret))
			return 1;
	return found;
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

int build_expected_seconds(
	int64_t *ret, struct ledger *ledger, const char *target, const char *command)
{
	int64_t same[ESTIMATE_BUILDS], any[ESTIMATE_BUILDS];
	size_t same_len = 0, any_len = 0;
	struct build_walk walk = builds_walk(ledger, target);
	_cleanup_build_ struct build build = BUILD_INIT;
	int found = 0;

	walk.left = ESTIMATE_DEPTH;
	while (same_len < ARRAY_LEN(same) && (found = builds_next(&build, &walk)) > 0) {
		const int64_t seconds = build.finished - build.started;

		/* Failed ones do not tell how long the next one takes. */
		if (!build_took_effect(&build) || seconds < 0)
			continue;
		if (streq_known(build.command, command))
			same[same_len++] = seconds;
		if (any_len < ARRAY_LEN(any))
			any[any_len++] = seconds;
	}
	*ret = same_len ? median(same, same_len) : median(any, any_len);
	return found < 0 ? -1 : 0;
}

static int compare_numbers(const void *a, const void *b)
{
	const struct build *one = a, *other = b;

	return one->number < other->number ? -1 : one->number > other->number;
}

int builds_running(struct builds *ret, struct builds *ended, struct ledger *ledger)
{
	_cleanup_git_(reference_iterator) git_reference_iterator *iterator = NULL;
	const char *name;

	*ret = (struct builds){0};
	if (git_reference_iterator_glob_new(
		    &iterator, ledger->repository, REF_RUNNING "*") < 0)
		return git_failed("cannot read the ledger '%s'", ledger->path);
	while (git_reference_next_name(&name, iterator) == 0) {
		_cleanup_build_ struct build build = BUILD_INIT, recorded = BUILD_INIT;
		struct build named = BUILD_INIT;
		int found;

		if (load_reference(&build, ledger, name) <= 0 ||
			!text_to_number(basename(name), UINT64_MAX, &named.number))
			continue;
		/* Somebody has planted it: a build runs only under its own number. */
		if (named.number != build.number) {
			if (ended)
				builds_add(ended, &named);
			continue;
		}
		/* Its reference is still there if it ended since the listing, or if the
		 * reference could not be removed. */
		found = build_in_chain(&recorded, ledger, build.number);
		if (found == 0)
			builds_add(ret, &build);
		else if (found > 0 && ended)
			builds_add(ended, &recorded);
	}
	if (ret->len)
		qsort(ret->list, ret->len, sizeof(*ret->list), compare_numbers);
	return 0;
}

bool builds_name_one_of(
	struct ledger *ledger, const char *names, const char *agent, char **ret)
{
	_cleanup_strv_ struct strv words = strv_split(names, ",");
	uint64_t number;

	for (size_t i = 0; i < words.len; i++) {
		_cleanup_build_ struct build build = BUILD_INIT;

		if (text_to_number(words.words[i], UINT64_MAX, &number) &&
			build_in_chain(&build, ledger, number) > 0 &&
			build_is_of_agent(&build, agent)) {
			*ret = xstrdup(words.words[i]);
			return true;
		}
	}
	return false;
}

static int find_system(struct build *ret, struct ledger *ledger, const char *path)
{
	return path ? build_by_system(ret, ledger, path) : 0;
}

static int find(struct build *ret, struct ledger *ledger, const struct settings *settings,
	const char *text)
{
	_cleanup_target_ struct target system = target_by_name(settings, NULL);
	_cleanup_system_ struct system_state state = {0};
	_cleanup_free_ char *generation = NULL;
	uint64_t number;

	if (text_to_number(text, UINT64_MAX, &number))
		return build_by_number(ret, ledger, number);
	if (streq(text, "last"))
		return build_tip(ret, ledger);
	if (*text == '@' && agent_name_is_valid(text + 1))
		return build_by_agent(ret, ledger, NULL, text + 1);
	if (*text == '/')
		return find_system(ret, ledger, text);
	if (starts_with(text, "gen:") && text_to_number(text + 4, UINT64_MAX, &number)) {
		generation = system_generation_path(settings, number);
		return find_system(ret, ledger, generation);
	}
	if (streq(text, "live")) {
		state = system_read(settings, &system);
		return find_system(ret, ledger, state.running);
	}
	return error(
		"'%s' is not the name of a build: use 43, last, live, @AGENT, gen:142 or "
		"a store path",
		text);
}

int build_by_name(struct build *ret, struct ledger *ledger,
	const struct settings *settings, const char *text)
{
	int found = find(ret, ledger, settings, text);

	if (found == 0)
		return error("there is no build '%s'", text);
	return found < 0 ? -1 : 0;
}
