#include "guard/guard.h"

#include "base/memory.h"
#include "base/message.h"
#include "changes/tree_diff.h"
#include "guard/checkout.h"
#include "guard/compare.h"
#include "guard/live.h"
#include "guard/refusal.h"
#include "rebuild/target.h"

/* Where the difference from what is live cannot be judged, so much of it is shown. */
#define DIFFERENCE_LINES 20

static bool is_from_elsewhere(const struct live *live, const struct guard_call *call)
{
	const char *config = live->is_build ? live->build.config : NULL;

	return !config || !checkout_is_same(config, call->configuration->name);
}

static void get_own_tree(git_oid *ret, const struct guard_call *call)
{
	_cleanup_build_ struct build own = BUILD_INIT;

	*ret = (git_oid){0};
	if (build_by_agent(&own, call->ledger, call->target->name, call->caller->agent) >
			0 &&
		build_has_snapshot(&own))
		*ret = own.tree;
}

/* What needs no look into the repository: the same content, or a commit that HEAD is. */
static bool is_contained_at_sight(
	const struct live *live, const struct comparison *comparison)
{
	if (git_oid_equal(&comparison->live, &comparison->mine))
		return true;
	return live->build.config_state == CONFIG_CLEAN &&
	       !git_oid_is_zero(&comparison->head) &&
	       git_oid_equal(&comparison->live_commit, &comparison->head);
}

static void say_difference(const struct guard_call *call, const struct live *live)
{
	_cleanup_path_changes_ struct path_changes changes = {0};

	say("what is live cannot be judged from here, it shares no history with this "
	    "configuration: %s",
		live->description);
	if (!live->is_build || tree_diff(&changes, call->ledger->repository,
				       &live->build.tree, &call->snapshot->tree) < 0)
		return;
	for (size_t i = 0; i < changes.len && i < DIFFERENCE_LINES; i++)
		say("  %c %s", path_change_letter(&changes.list[i]),
			changes.list[i].path);
	if (changes.len > DIFFERENCE_LINES)
		say("  and %zu more", changes.len - DIFFERENCE_LINES);
	say("going on");
}

/* Weighs what is lost; 0 or EXIT_REFUSED. */
static int weigh(const struct guard_call *call, const struct live *live,
	const struct verdict *verdict, bool from_elsewhere)
{
	const struct losses *losses = &verdict->losses;
	_cleanup_(refusal_free) struct refusal refusal = {
		.call = call,
		.live = live,
		.verdict = verdict,
		.from_elsewhere = from_elsewhere,
		.repeatable = !from_elsewhere && !losses->more,
		.refused = losses->more,
	};

	if (!losses->len)
		return 0;
	refusal.owners = xcalloc(losses->len, sizeof(*refusal.owners));
	refusal.weights = xcalloc(losses->len, sizeof(*refusal.weights));
	if (live->is_build && owners_find(refusal.owners, losses, call->ledger,
				      &live->build, call->caller->agent) < 0)
		return 0;
	for (size_t i = 0; i < losses->len; i++) {
		const struct loss *loss = &losses->list[i];

		if (compare_ignores(call->settings, loss->path))
			refusal.weights[i] = WEIGHT_IGNORED;
		else if (loss->kind >= LOSS_FILTERED)
			refusal.weights[i] = WEIGHT_WARNING;
		else if (live->is_build && !refusal.owners[i].is_foreign)
			refusal.weights[i] = WEIGHT_OWN;
		else
			refusal.weights[i] = WEIGHT_REFUSED;
		if (refusal.weights[i] != WEIGHT_REFUSED)
			continue;
		refusal.refused++;
		refusal.repeatable = refusal.repeatable && loss->uncommitted;
	}
	return refusal_decide(&refusal);
}

/* What the newer of two lives lacks in the same way is nothing that this build takes. */
static int drop_superseded(
	struct verdict *verdict, const struct guard_call *call, const struct build *newer)
{
	_cleanup_path_changes_ struct path_changes changes = {0};
	struct losses kept = {.more = verdict->losses.more};

	if (tree_diff(&changes, call->ledger->repository, &newer->tree,
		    &call->snapshot->tree) < 0)
		return -1;
	for (size_t i = 0; i < verdict->losses.len; i++) {
		struct loss *loss = &verdict->losses.list[i];

		if (path_changes_have(&changes, loss->path))
			losses_add(&kept, loss);
		else
			loss_free(loss);
	}
	free(verdict->losses.list);
	verdict->losses = kept;
	return 0;
}

/* newer: another live build that came after this one, or NULL. */
static int check_live(
	const struct guard_call *call, const struct live *live, const struct build *newer)
{
	struct comparison comparison = {
		.settings = call->settings,
		.target = call->target->name,
		.root = call->configuration->is_git ? call->configuration->root : NULL,
		.head = call->snapshot->commit,
		.mine = call->snapshot->tree,
		.from_elsewhere = is_from_elsewhere(live, call),
	};
	_cleanup_free_ char *live_root =
		live->is_build ? checkout_of_build(&live->build) : NULL;
	struct verdict verdict;
	int status = 0;

	comparison.live_root = live_root;
	comparison.live_commit =
		live->is_build ? live->build.config_commit : live->revision;
	if (live->is_build && build_has_snapshot(&live->build)) {
		comparison.live = live->build.tree;
		comparison.live_is_dirty = live->build.config_state != CONFIG_CLEAN;
		comparison.live_is_partial = live->build.left_out > 0;
	} else if (git_oid_is_zero(&comparison.live_commit)) {
		say("%s: %s; of which configuration is not known",
			live->runs ? "running" : "next boot", live->description);
		return 0;
	}
	if (is_contained_at_sight(live, &comparison))
		return 0;
	get_own_tree(&comparison.own, call);
	if (compare_with_live(&verdict, &comparison) < 0) {
		warn("whether this takes away what is live cannot be told, going on: %s",
			live->description);
		return 0;
	}
	if (verdict.ancestor == ANCESTOR_NONE)
		say_difference(call, live);
	else if (!newer || drop_superseded(&verdict, call, newer) == 0)
		status = weigh(call, live, &verdict, comparison.from_elsewhere);
	losses_free(&verdict.losses);
	return status;
}

/* What a rollback replaces: what runs, what boots next, or both. */
static bool is_replaced(const struct guard_call *call, const struct live *live, int len)
{
	if (len == 1 || call->request->action == ACTION_SWITCH)
		return true;
	return live->runs == (call->request->action == ACTION_TEST);
}

/* A rollback goes to the generation before: what it takes back is what is live. */
static int check_rollback(const struct guard_call *call, const struct live *live)
{
	const bool foreign = !build_is_of_agent(&live->build, call->caller->agent);

	if (call->caller->is_agent && foreign &&
		call->settings->guard_undo == UNDO_REFUSE &&
		!(call->allow_undo && streq(call->allow_undo, live->name))) {
		_cleanup_free_ char *command = refusal_command(call, live->name);

		error("refused: this rollback takes back what another has made live: %s",
			live->description);
		say("if it is meant to go: %s", command);
		return EXIT_REFUSED;
	}
	say("takes back %s", live->description);
	return 0;
}

static const struct build *newer_build(const struct live *live, const struct live *other)
{
	return other->is_build && live->is_build && build_has_snapshot(&other->build) &&
			       other->build.number > live->build.number
		       ? &other->build
		       : NULL;
}

static int check_lives(const struct guard_call *call, struct live *lives, int len)
{
	int status = 0;

	for (int i = 0; i < len && call->request->rollback && !status; i++)
		if (is_replaced(call, &lives[i], len))
			status = check_rollback(call, &lives[i]);
	if (call->request->rollback)
		return status;
	if (len && !call->snapshot)
		say("whether this takes away what is live is not judged: there is no snapshot");
	for (int i = 0; i < len && call->snapshot; i++) {
		int one = check_live(call, &lives[i],
			len > 1 ? newer_build(&lives[i], &lives[1 - i]) : NULL);

		status = status ? status : one;
	}
	return status;
}

int guard_check(const struct guard_call *call)
{
	struct live lives[LIVES_MAX];
	int len, status = 0;

	if (call->settings->guard_undo == UNDO_OFF ||
		!action_changes_system(call->request->action) ||
		call->request->action == ACTION_UNKNOWN ||
		!target_is_local(call->target->name))
		return 0;
	len = lives_find(lives, call->ledger, call->settings, call->target);
	if (len >= 0)
		status = check_lives(call, lives, len);
	else
		warn("whether this takes away what is live cannot be told, going on");
	for (int i = 0; i < LIVES_MAX; i++)
		live_free(&lives[i]);
	return status;
}
