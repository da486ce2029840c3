#include "guard/author.h"

#include <sys/stat.h>

#include "base/memory.h"
#include "record/config_name.h"

/* A hook notes an edit so soon after the file was written. */
#define EDIT_SECONDS 2

static const struct build *owner_of(const struct court *court, const struct item *item)
{
	const struct step *step;

	if (item->owner == NO_OWNER)
		return NULL;
	step = &court->hand->chain.list[item->owner];
	for (size_t i = 0; i < step->failed.len; i++)
		if (step->failed.list[i].number == item->first_build)
			return &step->failed.list[i];
	return &step->build;
}

static char *file_of(const struct court *court, const struct item *item)
{
	return xasprintf("%s/%s", court->hand->configuration->root,
		item_path(&court->items, item));
}

/* The lost line of the same name and step that a returned one stands for. */
static const struct item *find_counterpart(
	const struct court *court, const struct item *item)
{
	for (size_t i = 0; item->key && !item->is_lost && i < court->items.len; i++) {
		const struct item *other = &court->items.list[i];

		if (other->kind == ITEM_LINE && other->is_lost &&
			other->path == item->path && other->key == item->key &&
			other->owner == item->owner)
			return other;
	}
	return NULL;
}

/* The build that it is told of. */
const struct build *item_maker(const struct court *court, const struct item *item)
{
	const struct item *counterpart = find_counterpart(court, item);

	return owner_of(court, counterpart ? counterpart : item);
}

/* Who wrote it: the only one who edited the file before it was first built, else the
 * builder. */
const char *item_author(const struct court *court, const struct item *item)
{
	const struct build *owner = item_maker(court, item);
	_cleanup_free_ char *file = file_of(court, item);
	const struct step *steps = court->hand->chain.list;
	const char *author = NULL;

	if (!owner)
		return NULL;
	if (item->owner > 0 && !steps[item->owner].is_rollback)
		author = edits_author(&court->edits, file,
			steps[item->owner - 1].build.started, owner->started);
	return author ? author : owner->agent;
}

/* Whether nothing but the last edit has written the file: no stash, no checkout. */
static bool is_as_edited(const struct court *court, const char *file)
{
	const struct edit *last = edits_last(&court->edits, file);
	struct stat status;

	return last && lstat(file, &status) == 0 &&
	       status.st_mtime <= last->when + EDIT_SECONDS;
}

/* Whether the author has taken it out again himself, as far as edits are known. */
bool item_is_taken_back(
	const struct court *court, const struct item *item, const char *author)
{
	const struct build *owner = owner_of(court, item);
	_cleanup_free_ char *file = file_of(court, item);
	const char *editor =
		owner ? edits_author(&court->edits, file, owner->started, 0) : NULL;

	return editor && streq(editor, author) && is_as_edited(court, file);
}

/* One's own rollback of somebody else's work: it was taken out for a reason, and is not
 * one's own to bring back unseen. */
bool item_was_taken_from_another(const struct court *court, const struct item *item)
{
	return item->brought != NO_OWNER &&
	       !build_is_of_agent(
		       &court->hand->chain.list[item->brought].build, court->hand->agent);
}

bool item_is_uncommitted(const struct court *court, const struct item *item)
{
	const struct build *owner = owner_of(court, item);
	const struct ledger objects = {.repository = court->repository};
	const char *path = item_path(&court->items, item);
	git_oid built, committed;

	return owner && !git_oid_is_zero(&owner->config_tree) &&
	       ledger_path_id(&built, &objects, &owner->tree, path) == 0 &&
	       ledger_path_id(&committed, &objects, &owner->config_tree, path) == 0 &&
	       !git_oid_equal(&built, &committed);
}
