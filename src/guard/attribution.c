#include "guard/attribution.h"

#include "base/memory.h"
#include "guard/compare.h"

struct attribution {
	struct items *items;
	git_repository *repository;
	const char *agent;
	bool *fresh, *now;     /* by path: is_fresh by later steps, by this one */
	struct counts *mine;   /* by path: the lines of mine; counted when needed */
	const struct step *at; /* the step that is compared with the one before */
};

/* Whether mine has one of the lines that a step of others brought into the path. */
static void look_for_fresh(
	size_t path, const struct lines *from, const struct lines *to, void *data)
{
	struct attribution *attribution = data;
	const struct path_change *change = &attribution->items->changes.list[path];
	struct counts *mine = &attribution->mine[path];
	_cleanup_git_(blob) git_blob *blob = NULL;
	_cleanup_lines_ struct lines lines = {0};
	_cleanup_counts_ struct counts before = {0};

	if (attribution->fresh[path] || attribution->now[path] ||
		build_is_of_agent(&attribution->at->build, attribution->agent))
		return;
	if (!mine->room && entry_text(&blob, attribution->repository, change->new_mode,
				   &change->new_id) == 0) {
		lines_split(&lines, change->path, blob);
		counts_add_lines(mine, &lines, 1);
	}
	counts_add_lines(&before, from, 1);
	for (size_t i = 0; i < to->len && !attribution->now[path]; i++) {
		const struct line *line = &to->list[i];

		attribution->now[path] = !counts_get(&before, line->hash) &&
					 counts_get(mine, line->hash) &&
					 !line_is_bare(line->text, line->len);
	}
}

static void note_first(struct item *item, size_t owner, uint64_t number)
{
	/* A record that lacks a line may come from a checkout that never had it. */
	if (item->owner == owner && !item->first_build && item->is_lost &&
		item->delta > 0)
		item->first_build = number;
}

/* Finds the first build in .failed that already had what the step brought. */
static int look_at_failed(const struct step *before, struct step *step,
	struct items *items, git_repository *repository, size_t index)
{
	for (size_t i = step->failed.len; i-- > 0;) {
		const struct build *failed = &step->failed.list[i];

		if (items_compare(items, repository, &before->tree, &failed->tree, NULL,
			    NULL) < 0)
			return -1;
		for (size_t j = 0; j < items->len; j++)
			note_first(&items->list[j], index, failed->number);
	}
	return 0;
}

/*
 * Whether the step is the item's owner: it changed how often the line stands both in the
 * path and in the tree. A step that did so elsewhere has made a copy: it counts if a
 * later one moved the line here, or, where a line is back that it took out, if no other
 * step is found. A step that put the line into its block is the owner, wherever else it
 * stood.
 */
static bool is_owner(struct item *item)
{
	const int64_t sign = item->is_lost ? 1 : -1;
	const bool any = item->delta * sign > 0, here = item->delta_here * sign > 0;

	if (item->is_settled)
		return false;
	if (here && !any)
		item->has_moved = true;
	item->is_settled =
		(any && (here || item->has_moved)) || item->delta_in_block * sign > 0;
	return item->is_settled || (!item->is_lost && any && item->owner == NO_OWNER);
}

static void set_owner(struct item *item, size_t index, const bool *fresh)
{
	item->owner = item->removed != NO_OWNER ? item->removed : index;
	item->brought = NO_OWNER;
	item->brought_here = false;
	item->first_build = 0;
	item->is_fresh = item->is_lost && fresh[item->path];
}

/* The newest step that had brought what the rollback took back, in this path if there is
 * one; equal lines may have come to others. */
static void note_brought(struct item *item, size_t index, bool here)
{
	if (item->brought_here || (item->brought != NO_OWNER && !here))
		return;
	item->brought = index;
	item->brought_here = here;
}

/* What the step did to the items in whose path it did something, or to the others. */
static void resolve_items(struct items *items, const struct chain *chain, size_t index,
	const bool *fresh, bool here, struct counts *taken)
{
	for (size_t i = 0; i < items->len; i++) {
		struct item *item = &items->list[i];
		const int64_t sign = item->is_lost ? 1 : -1, delta = item->delta * sign;
		const bool has_more =
			delta <= 0 || counts_get(taken, item_place(item)) < delta;

		if ((item->delta_here * sign > 0) != here)
			continue;
		item->was_moved = item->was_moved || (item->delta_here && !item->delta);
		/* This step brought delta copies; earlier steps brought the others. */
		if (has_more && is_owner(item)) {
			set_owner(item, index, fresh);
			*counts_at(taken, item_place(item)) += 1;
		} else if (item->owner != NO_OWNER && delta < 0 &&
			   chain->list[item->owner].is_rollback) {
			note_brought(item, index, item->delta_here * sign < 0);
		}
	}
}

static void resolve(
	struct items *items, const struct chain *chain, size_t index, const bool *fresh)
{
	_cleanup_counts_ struct counts taken = {0};

	items_note_stale(items);
	resolve_items(items, chain, index, fresh, true, &taken);
	resolve_items(items, chain, index, fresh, false, &taken);
}

static bool has_path(git_repository *repository, const git_oid *tree_id, const char *path)
{
	_cleanup_git_(tree) git_tree *tree = NULL;
	_cleanup_git_(tree_entry) git_tree_entry *entry = NULL;

	return git_tree_lookup(&tree, repository, tree_id) == 0 &&
	       git_tree_entry_bypath(&entry, tree, path) == 0;
}

/* What comes back with a file belongs to the step that removed the file, even if an
 * earlier step had taken the line out of it. */
static void note_removed_files(struct items *items, git_repository *repository,
	const struct chain *chain, size_t index)
{
	for (size_t i = 0; i < items->len; i++) {
		struct item *item = &items->list[i];
		const char *path = item_path(items, item);

		if (item->whole_file && !item->is_lost && item->removed == NO_OWNER &&
			!has_path(repository, &chain->list[index].tree, path) &&
			has_path(repository, &chain->list[index - 1].tree, path))
			item->removed = index;
	}
}

static int attribute(struct attribution *attribution, const struct chain *chain)
{
	struct items *items = attribution->items;
	const struct build *first = &chain->list[0].build;

	for (size_t i = chain->len - 1; i > 0; i--) {
		struct step *step = &chain->list[i];

		attribution->at = step;
		if (git_oid_equal(&chain->list[i - 1].tree, &step->tree))
			continue;
		if (items_compare(items, attribution->repository,
			    &chain->list[i - 1].tree, &step->tree, look_for_fresh,
			    attribution) < 0)
			return -1;
		note_removed_files(items, attribution->repository, chain, i);
		resolve(items, chain, i, attribution->fresh);
		/* Only now: a step's own lines do not count as later ones. */
		for (size_t j = 0; j < items->changes.len; j++)
			attribution->fresh[j] =
				attribution->fresh[j] || attribution->now[j];
		if (look_at_failed(&chain->list[i - 1], step, items,
			    attribution->repository, i) < 0)
			return -1;
	}
	/* The oldest step owns at least what it had uncommitted. */
	if (git_oid_is_zero(&first->config_tree))
		return 0;
	if (items_compare(items, attribution->repository, &first->config_tree,
		    &chain->list[0].tree, NULL, NULL) < 0)
		return -1;
	resolve(items, chain, 0, attribution->fresh);
	return 0;
}

int chain_attribute(const struct chain *chain, struct items *items,
	git_repository *repository, const char *agent)
{
	struct attribution attribution = {
		.items = items,
		.repository = repository,
		.agent = agent,
		.fresh = xcalloc(items->changes.len, sizeof(bool)),
		.now = xcalloc(items->changes.len, sizeof(bool)),
		.mine = xcalloc(items->changes.len, sizeof(struct counts)),
	};
	int result = chain->len ? attribute(&attribution, chain) : 0;

	for (size_t i = 0; i < items->changes.len; i++)
		counts_free(&attribution.mine[i]);
	free(attribution.mine);
	free(attribution.fresh);
	free(attribution.now);
	return result;
}
