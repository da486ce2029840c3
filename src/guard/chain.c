#include "guard/chain.h"

#include "base/memory.h"
#include "ledger/lineage.h"

/* What is older belongs to nobody: "not known whose". */
#define STEPS_MAX 200

static void step_free(struct step *step)
{
	build_free(&step->build);
	builds_free(&step->failed);
}

void chain_free(struct chain *chain)
{
	for (size_t i = 0; i < chain->len; i++)
		step_free(&chain->list[i]);
	free(chain->list);
	*chain = (struct chain){0};
}

static struct step *grow(struct chain *chain)
{
	struct step *ret = list_add(chain->list, chain->len);

	*ret = (struct step){.build = BUILD_INIT};
	return ret;
}

struct step *chain_add(struct chain *chain, const git_oid *tree)
{
	struct step *ret = grow(chain);

	ret->tree = *tree;
	return ret;
}

/* A trial that somebody ended: it was live, and was taken out for a reason. */
static bool was_ended_by_word(const struct build *build)
{
	return build->outcome == OUTCOME_ROLLED_BACK && build->taken_back_by &&
	       build_has_snapshot(build);
}

/* Adds two steps: a rollback to what was live before the trial, and the trial. */
static void add_trial(struct chain *chain, struct build *trial)
{
	struct build *rollback = &grow(chain)->build;

	build_copy(rollback, trial);
	rollback->config_state = CONFIG_NONE;
	set_string(&rollback->agent, xstrdup(trial->taken_back_by));
	grow(chain)->build = *trial;
	*trial = (struct build)BUILD_INIT;
}

/*
 * boot sets what boots next, test what runs: neither takes anything out of the other,
 * unless the machine was rebooted in between.
 */
static bool is_beside(const struct build *older, const struct build *newer)
{
	return ((streq_known(older->action, "boot") &&
			streq_known(newer->action, "test")) ||
		       (streq_known(older->action, "test") &&
			       streq_known(newer->action, "boot"))) &&
	       !streq_known(newer->system_before, older->system_after);
}

/* The oldest step that may have the lines of this build, which is not a step itself. */
static struct step *step_after(struct chain *chain, const struct build *build)
{
	size_t at = chain->len - 1;

	while (at > 0 && is_beside(build, &chain->list[at].build))
		at--;
	return &chain->list[at];
}

/* Adds a step if the newest one so far did not find what this older build left: somebody
 * went back outside safe-rebuild. find_tree() then looks for the build that made it. */
static void add_return(struct chain *chain, const struct build *older)
{
	const struct build *newer =
		chain->len ? &chain->list[chain->len - 1].build : NULL;
	char *found;

	if (!newer || build_follows(newer, older))
		return;
	found = xstrdup(newer->system_before);
	grow(chain)->build.system_after = found;
}

/* Newest first; what did not become live is kept with the step after it. */
static int collect(struct chain *chain, struct ledger *ledger, const struct build *last)
{
	struct build_walk walk = builds_walk(ledger, last->target);
	_cleanup_build_ struct build build = BUILD_INIT;
	int found = 0;

	while (chain->len < STEPS_MAX && (found = builds_next(&build, &walk)) > 0) {
		if (was_ended_by_word(&build)) {
			add_trial(chain, &build);
			continue;
		}
		if (build.number > last->number)
			continue;
		if (build.number == last->number ||
			(build_made_its_system(&build) &&
				!(chain->len &&
					is_beside(&build,
						&chain->list[chain->len - 1].build)))) {
			add_return(chain, &build);
			grow(chain)->build = build;
			build = (struct build)BUILD_INIT;
		} else if (chain->len && build_has_snapshot(&build)) {
			builds_add(&step_after(chain, &build)->failed, &build);
		}
	}
	chain->is_cut = found > 0 || !walk.left;
	return found < 0 ? -1 : 0;
}

/* The tree that a step without one went back to; false: not known. */
static bool find_tree(const struct chain *chain, size_t index, git_oid *ret)
{
	const struct build *build = &chain->list[index].build;

	for (size_t i = index + 1; i < chain->len; i++) {
		const struct build *older = &chain->list[i].build;

		/* A rolled-back build ended with a system that it had not made. */
		if (older->outcome != OUTCOME_ROLLED_BACK && build_has_snapshot(older) &&
			streq_known(older->system_after, build->system_after)) {
			*ret = older->tree;
			return true;
		}
	}
	return false;
}

static bool is_end_of_trial(const struct step *step)
{
	return step->build.outcome == OUTCOME_ROLLED_BACK && step->is_rollback;
}

/* Gives the steps their trees, and leaves out steps whose tree is not known. */
static void set_trees(struct chain *chain)
{
	size_t kept = 0;

	for (size_t i = 0; i < chain->len; i++) {
		struct step *step = &chain->list[i];

		step->is_rollback =
			step->build.back_to != NULL || !build_has_snapshot(&step->build);
		if (build_has_snapshot(&step->build))
			step->tree = step->build.tree;
		else if (!find_tree(chain, i, &step->tree))
			git_oid_fromstr(&step->tree, GIT_OID_HEX_ZERO);
	}
	for (size_t i = 0; i < chain->len; i++) {
		/* If what was live before is not known, leave the trial out, too. */
		if (is_end_of_trial(&chain->list[i]) &&
			git_oid_is_zero(&chain->list[i].tree))
			chain->list[i + 1].tree = (git_oid){0};
		if (git_oid_is_zero(&chain->list[i].tree))
			step_free(&chain->list[i]);
		else
			chain->list[kept++] = chain->list[i];
	}
	chain->len = kept;
}

/* The newest build that was not rolled back. */
static const struct build *newest_build(const struct chain *chain)
{
	for (size_t i = 0; i < chain->len; i++)
		if (chain->list[i].build.outcome != OUTCOME_ROLLED_BACK)
			return &chain->list[i].build;
	return NULL;
}

int chain_load(struct chain *ret, struct ledger *ledger, const struct build *last)
{
	const struct build *newest;

	*ret = (struct chain){0};
	if (collect(ret, ledger, last) < 0)
		return -1;
	set_trees(ret);
	/* The chain must end with what is live. */
	newest = newest_build(ret);
	if (!newest || newest->number != last->number)
		chain_free(ret);
	list_reverse(ret->list, ret->len);
	return 0;
}

int chain_find_newest(struct build *ret, struct ledger *ledger, const char *target)
{
	struct build_walk walk = builds_walk(ledger, target);
	int found;

	while ((found = builds_next(ret, &walk)) > 0 && !build_made_its_system(ret)) {
	}
	return found;
}
