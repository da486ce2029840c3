#include "guard/author.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "record/config_name.h"

/* After a file is written, its edit is noted within this time. */
#define EDIT_SECONDS 2
#define FILE_MAX ((size_t)4 << 20)

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

/* The lost line that a returned one replaces: of the same name and step. */
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

const struct build *item_maker(const struct court *court, const struct item *item)
{
	const struct item *counterpart = find_counterpart(court, item);

	return owner_of(court, counterpart ? counterpart : item);
}

/* config NULL: not known, so it may be here. */
static bool is_here(const struct court *court, const char *config)
{
	return !config ||
	       config_is_beside(config, court->hand->call->configuration->name);
}

/* The item's file in the directory of the configuration; NULL: not on this machine. The
 * caller frees. */
static char *file_of(
	const struct court *court, const struct item *item, const char *config)
{
	_cleanup_free_ char *directory =
		is_here(court, config) ? xstrdup(court->hand->call->configuration->root)
				       : config_directory(config);

	return directory ? xasprintf("%s/%s", directory, item_path(&court->items, item))
			 : NULL;
}

/* When the newest earlier step from the configuration's directory was built; 0: never. */
static time_t time_before(const struct court *court, size_t step, const char *config)
{
	const struct step *steps = court->hand->chain.list;

	while (step-- > 0)
		if (config && steps[step].build.config &&
			config_is_beside(steps[step].build.config, config))
			return steps[step].build.started;
	return 0;
}

const char *item_author(const struct court *court, const struct item *item)
{
	const struct build *owner = item_maker(court, item);
	_cleanup_free_ char *file = owner ? file_of(court, item, owner->config) : NULL;
	const char *author = NULL;

	if (!owner)
		return NULL;
	if (file && !item->is_import && !court->hand->chain.list[item->owner].is_rollback)
		author = edits_author(&court->edits, file,
			time_before(court, item->owner, owner->config), owner->started);
	return author ? author : owner->agent;
}

/* Whether nothing has written or replaced the file since its last noted edit. */
static bool is_as_edited(const struct court *court, const char *file)
{
	const struct edit *last = edits_last(&court->edits, file);
	struct stat status;

	return last && lstat(file, &status) == 0 &&
	       status.st_mtime <= last->when + EDIT_SECONDS &&
	       status.st_ctime <= last->when + EDIT_SECONDS;
}

/* Whether only the author has edited the file in the configuration's directory since it
 * was last built with the line, which all steps from the owner's on have. */
static bool is_edited_by(const struct court *court, const struct item *item,
	const char *config, const char *author)
{
	_cleanup_free_ char *file = file_of(court, item, config);
	const struct chain *chain = &court->hand->chain;
	const time_t owned = chain->list[item->owner].build.started,
		     built = time_before(court, chain->len, config);
	const char *editor =
		file ? edits_author(&court->edits, file, built > owned ? built : owned, 0)
		     : NULL;

	return editor && streq(editor, author) && is_as_edited(court, file);
}

/* Whether the file has the line (1) or not (0); -1: it cannot be read. */
static int look_for_line(const char *file, const struct item *item)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_lines_ struct lines lines = {0};
	size_t len;

	if (read_file(file, FILE_MAX, &text, &len, NULL) < 0)
		return -1;
	lines_split_text(&lines, file, text, len);
	for (size_t i = 0; i < lines.len; i++)
		if (lines.list[i].hash == item->hash)
			return 1;
	return 0;
}

bool item_is_taken_back(struct court *court, const struct item *item, const char *author)
{
	const struct build *owner = owner_of(court, item);
	_cleanup_free_ char *theirs = NULL;

	if (!owner)
		return false;
	if (is_edited_by(court, item, court->hand->call->configuration->name, author))
		return true;
	/* What was never committed was only in that checkout, so look there. */
	if (is_here(court, owner->config) || item->kind != ITEM_LINE ||
		!item_is_uncommitted(court, item) ||
		!is_edited_by(court, item, owner->config, author))
		return false;
	theirs = file_of(court, item, owner->config);
	return look_for_line(theirs, item) == !item->is_lost;
}

/* One's own rollback of somebody else's work: it was taken out for a reason, and is not
 * one's own to bring back unseen. */
bool item_was_taken_from_another(const struct court *court, const struct item *item)
{
	return item->brought != NO_OWNER &&
	       !build_is_of_agent(&court->hand->chain.list[item->brought].build,
		       court->hand->call->caller->agent);
}

/* Kept for the next item: reading a large tree for each takes long. */
static const struct path_changes *drafts_of(
	struct court *court, const struct build *build)
{
	struct drafts *drafts = &court->drafts;

	if (git_oid_equal(&drafts->tree, &build->tree) &&
		git_oid_equal(&drafts->config_tree, &build->config_tree))
		return &drafts->changes;
	path_changes_free(&drafts->changes);
	*drafts = (struct drafts){.tree = build->tree, .config_tree = build->config_tree};
	if (tree_diff(&drafts->changes, court->repository, &build->config_tree,
		    &build->tree) < 0)
		drafts->changes = (struct path_changes){0};
	return &drafts->changes;
}

/* Whether the tree has the line in the item's file. */
static bool has_line(
	const struct court *court, const git_oid *tree_id, const struct item *item)
{
	const char *path = item_path(&court->items, item);
	_cleanup_git_(tree) git_tree *tree = NULL;
	_cleanup_git_(tree_entry) git_tree_entry *entry = NULL;
	_cleanup_git_(blob) git_blob *blob = NULL;
	_cleanup_lines_ struct lines lines = {0};

	if (git_tree_lookup(&tree, court->repository, tree_id) < 0 ||
		git_tree_entry_bypath(&entry, tree, path) < 0 ||
		git_blob_lookup(&blob, court->repository, git_tree_entry_id(entry)) < 0)
		return false;
	lines_split(&lines, path, blob);
	for (size_t i = 0; i < lines.len; i++)
		if (lines.list[i].hash == item->hash)
			return true;
	return false;
}

bool item_is_uncommitted(struct court *court, const struct item *item)
{
	const bool comes_back = item->brought != NO_OWNER;
	const struct build *owner =
		comes_back ? &court->hand->chain.list[item->brought].build
			   : owner_of(court, item);

	if (!owner || git_oid_is_zero(&owner->config_tree) ||
		!path_changes_find(
			drafts_of(court, owner), item_path(&court->items, item)))
		return false;
	return item->kind != ITEM_LINE || has_line(court, &owner->config_tree, item) !=
						  (item->is_lost || comes_back);
}
