#include "guard/court.h"

#include "base/memory.h"
#include "guard/attribution.h"
#include "guard/author.h"
#include "guard/compare.h"
#include "guard/imports.h"
#include "guard/moves.h"
#include "record/config_name.h"

void court_free(struct court *court)
{
	history_close(&court->history);
	items_free(&court->items);
	edits_free(&court->edits);
	path_changes_free(&court->drafts.changes);
}

/* Live is the end of the chain; if it was made outside, the commit that it names. */
static void find_live(struct court *court)
{
	struct chain *chain = &court->hand->chain;

	if (!chain->len && history_tree(&court->live, &court->history,
				   &court->hand->live->config_commit))
		chain_add(chain, &court->live);
	if (chain->len)
		court->live = chain->list[chain->len - 1].tree;
}

/* The user who last built as the agent; -1: nobody has. */
static uid_t user_of(const struct chain *chain, const char *agent)
{
	for (size_t i = chain->len; i-- > 0;)
		if (build_is_of_agent(&chain->list[i].build, agent))
			return caller_uid(chain->list[i].build.user);
	return (uid_t)-1;
}

/* A user's notes (but root's) say nothing about another user's agents. */
static bool is_believed(const struct case_at_hand *hand, const struct edit *edit)
{
	uid_t user;

	if (!edit->by)
		return true;
	user = streq(edit->agent, hand->call->caller->agent)
		       ? hand->call->caller->uid
		       : user_of(&hand->chain, edit->agent);
	return user == (uid_t)-1 || user == edit->by;
}

static void read_edits(struct court *court)
{
	edits_read(&court->edits, court->hand->call->settings);
	for (size_t i = 0; i < court->edits.len; i++)
		if (!is_believed(court->hand, &court->edits.list[i]))
			*court->edits.list[i].path = '\0'; /* of no file, then */
}

/* Whether the agent has built from the caller's checkout, too, as far as is known. */
static bool builds_here(const struct court *court, const char *agent)
{
	const char *here = court->hand->call->configuration->name;
	const struct chain *chain = &court->hand->chain;

	for (size_t i = 0; i < chain->len; i++) {
		const struct build *build = &chain->list[i].build;

		if (agent && build->config && build_is_of_agent(build, agent) &&
			config_is_beside(build->config, here))
			return true;
	}
	return false;
}

static int hear(struct court *court)
{
	const struct case_at_hand *hand = court->hand;
	const struct configuration *configuration = hand->call->configuration;
	_cleanup_free_ char *live_root = checkout_of_build(hand->live);
	git_repository *repository = court->repository;

	court->is_elsewhere = !hand->live->config ||
			      !config_is_beside(hand->live->config, configuration->name);
	if (history_open(&court->history, repository,
		    configuration->is_git ? configuration->root : NULL, live_root,
		    &hand->call->snapshot->commit, &hand->live->config_commit) < 0)
		return -1;
	find_live(court);
	if (git_oid_is_zero(&court->live))
		return 0;
	if (items_find(&court->items, repository, &court->live,
		    &hand->call->snapshot->tree, hand->call->settings) < 0 ||
		chain_attribute(&court->hand->chain, &court->items, repository,
			hand->call->caller->agent) < 0)
		return -1;
	imports_attribute(court);
	court->history.trusts_checkout =
		court->is_elsewhere && builds_here(court, hand->live->agent);
	history_mark(&court->history, &court->items, &court->live);
	read_edits(court);
	/* From here on .delta tells what live has changed since the common ancestor. */
	if (git_oid_is_zero(&court->history.base))
		return 0;
	if (items_compare(&court->items, repository, &court->history.base, &court->live,
		    NULL, NULL) < 0)
		return -1;
	items_note_stale(&court->items);
	return 0;
}

/* Whether live got it, or took it out, after the common ancestor. If live has a copy, a
 * line comes back only where it once stood. */
static bool is_since_base(const struct court *court, const struct item *item)
{
	const int64_t sign = item->is_lost ? 1 : -1;
	const int64_t delta =
		item->has_copy && !item->is_lost ? item->delta_here : item->delta;

	return !court->history.has_live && !git_oid_is_zero(&court->history.base) &&
	       (delta * sign > 0 || item->delta_in_block * sign > 0);
}

/* The new line that replaces the lost one: of the same name, in the same block (which may
 * be in another file now), and never built. It replaces only one. */
static struct item *find_replacement(const struct court *court, const struct item *item)
{
	for (size_t i = 0; item->key && i < court->items.len; i++) {
		struct item *other = &court->items.list[i];

		if (other->kind == ITEM_LINE && !other->is_lost &&
			other->key == item->key && other->enclosing == item->enclosing &&
			(other->path == item->path || item->enclosing) &&
			other->owner == NO_OWNER && !other->replaces) {
			other->replaces = true;
			return other;
		}
	}
	return NULL;
}

/* Whether mine goes back to something older; a replaced input or entry need not. */
static bool goes_back(const struct item *item)
{
	if (item->kind == ITEM_INPUT)
		return item->is_stale;
	return item->kind != ITEM_ENTRY || !item->mine || !item->is_lost ||
	       item->is_stale;
}

/* The verdict if neither the author nor an excuse decides. */
static enum item_verdict weigh(
	const struct court *court, struct item *item, const struct item *replacement)
{
	const bool is_since = is_since_base(court, item);

	/* A .gitkeep whose directory has another file now. */
	if (item->is_empty && item->is_lost &&
		*basename(item_path(&court->items, item)) == '.')
		return VERDICT_WARNING;
	/* The copy may do the same: another machine's does not. */
	if (item->has_copy && (item->has_near_copy || item->was_moved) &&
		!(item->whole_file && item->is_lost))
		return VERDICT_WARNING;
	/* Of Nix, the order counts in texts alone. */
	if (item->is_layout && ends_with(item_path(&court->items, item), ".nix"))
		return VERDICT_WARNING;
	if (replacement) {
		set_string(&item->other, xstrdup(replacement->text));
		if (!is_since || !court->is_elsewhere)
			return VERDICT_WARNING;
	}
	/* An input that is gone may be unused now: the line that used it decides. */
	if (item->kind == ITEM_INPUT && !item->mine)
		return VERDICT_WARNING;
	if (item->kind == ITEM_INPUT)
		return goes_back(item) ? VERDICT_REFUSED : VERDICT_NONE;
	if (is_since)
		return VERDICT_REFUSED;
	if (item->kind == ITEM_ENTRY && item->mine)
		return goes_back(item) ? VERDICT_REFUSED : VERDICT_WARNING;
	return item->is_fresh ? VERDICT_WARNING : VERDICT_REFUSED;
}

/* Whether its file exists, and merely could not be read. */
static bool was_left_out(const struct court *court, const struct item *item)
{
	const struct case_at_hand *hand = court->hand;
	_cleanup_free_ char *file = xasprintf(
		"%s/%s", hand->call->configuration->root, item_path(&court->items, item));

	return hand->call->snapshot->left_out && access(file, F_OK) == 0;
}

static enum item_verdict decide(struct court *court, struct item *item)
{
	const struct item *replacement = item->is_lost && item->kind == ITEM_LINE
						 ? find_replacement(court, item)
						 : NULL;
	const char *author;

	if (item->verdict == VERDICT_IGNORED || item->verdict == VERDICT_MOVED)
		return item->verdict;
	if (item->is_layout && !item->is_stale)
		return VERDICT_NONE;
	/* What a snapshot left out was not taken out of the configuration. */
	if (item->whole_file && (item->is_lost ? was_left_out(court, item)
					       : court->hand->live->left_out > 0))
		return VERDICT_NONE;
	if (item->owner == NO_OWNER && is_since_base(court, item))
		item->owner =
			court->hand->chain.len - 1; /* at least live has made it differ */
	if (item->owner == NO_OWNER)
		return item->is_lost && (!replacement || court->hand->chain.is_cut) &&
				       goes_back(item)
			       ? VERDICT_UNKNOWN
			       : VERDICT_NONE;
	author = item_author(court, item);
	if (author && streq(author, court->hand->call->caller->agent) &&
		!item_was_taken_from_another(court, item)) {
		/* The builder, whose edits by a shell nobody notes, may have made it. */
		if (!build_is_of_agent(item_maker(court, item), author))
			return VERDICT_WARNING;
		return replacement || !goes_back(item) ? VERDICT_NONE : VERDICT_OWN;
	}
	if (item->is_reverted)
		return VERDICT_REVERTED;
	if (item->is_rewritten)
		return VERDICT_REWRITTEN;
	/* A warning, because git or a copy may have done it before the noted edit. */
	if (author && item_is_taken_back(court, item, author))
		return VERDICT_WARNING;
	return weigh(court, item, replacement);
}

/* Whether copies can decide: as far as is known, it is somebody else's line. */
static bool asks_for_copies(const struct court *court, const struct item *item, bool lost)
{
	const char *author = item_author(court, item);

	return item->kind == ITEM_LINE && item->is_lost == lost &&
	       item->verdict == VERDICT_NONE &&
	       (author ? !streq(author, court->hand->call->caller->agent) ||
				       item_was_taken_from_another(court, item)
		       : is_since_base(court, item));
}

/* Reads all texts of the tree, and so does nothing unless an item needs it. */
static void look_for_copies(struct court *court, const git_oid *tree, bool lost)
{
	struct items *items = &court->items;
	bool any = false;

	for (size_t i = 0; i < items->len && !any; i++)
		any = asks_for_copies(court, &items->list[i], lost);
	if (!any)
		return;
	items_mark_copies(
		items, court->repository, court->hand->call->settings, tree, lost);
	for (size_t i = 0; i < items->len && !lost; i++) {
		struct item *item = &items->list[i];

		if (!item->is_lost && item->has_copy && !item->is_settled)
			item->owner = NO_OWNER;
	}
}

int court_decide(struct court *court)
{
	if (hear(court) < 0)
		return -1;
	look_for_copies(court, &court->hand->call->snapshot->tree, true);
	look_for_copies(court, &court->live, false);
	for (size_t i = 0; i < court->items.len; i++)
		court->items.list[i].verdict = decide(court, &court->items.list[i]);
	return 0;
}
