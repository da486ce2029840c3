#include "guard/imports.h"

#include <ctype.h>

#include "base/memory.h"
#include "changes/changes.h"
#include "guard/moves.h"

/* What a text calls the path: of "a/web.nix" "web.nix", of "a/web/default.nix" "web". The
 * caller frees. */
static char *name_of(const char *path)
{
	_cleanup_free_ char *directory = NULL;

	if (!ends_with(path, "/default.nix"))
		return xstrdup(basename(path));
	directory = xstrndup(path, strlen(path) - strlen("/default.nix"));
	return xstrdup(basename(directory));
}

/* Whether the word stands in the text, not as a part of another one. */
static bool has_word(const char *text, const char *word)
{
	const size_t len = strlen(word);

	for (const char *at = strstr(text, word); len && at; at = strstr(at + 1, word)) {
		const char before = (char)(at == text ? '\0' : at[-1]), after = at[len];

		if (isalnum((unsigned char)before) || isalnum((unsigned char)after) ||
			(before && strchr("_-", before)) ||
			(after && strchr("_-", after)))
			continue;
		if (after != '/' || !isalnum((unsigned char)at[len + 1]))
			return true;
	}
	return false;
}

bool text_names_path(const char *text, const char *path)
{
	_cleanup_free_ char *name = name_of(path);

	return has_word(text, name);
}

/* Without "." and ".."; NULL: it leads out of the root, or to it. The caller frees. */
static char *normalize(const char *path)
{
	_cleanup_strv_ struct strv parts = strv_components(path);
	_cleanup_strv_ struct strv kept = {0};

	for (size_t i = 0; i < parts.len; i++) {
		if (!*parts.words[i] || streq(parts.words[i], "."))
			continue;
		if (!streq(parts.words[i], ".."))
			strv_add(&kept, parts.words[i]);
		else if (!kept.len)
			return NULL;
		else
			set_string(&kept.words[--kept.len], NULL);
	}
	return kept.len ? strv_join(&kept, "/") : NULL;
}

/* The file that a line of the file at path imports; NULL: none. The caller frees. */
static char *imported_file(const char *path, const char *line)
{
	static const char characters[] = "abcdefghijklmnopqrstuvwxyz"
					 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-/";
	const char *at = strstr(line, "./"), *slash = strrchr(path, '/');
	_cleanup_free_ char *joined = NULL;

	if (!at)
		return NULL;
	at -= at > line && at[-1] == '.';
	joined = xasprintf("%.*s/%.*s", slash ? (int)(slash - path) : 0, path,
		(int)strspn(at, characters), at);
	return normalize(joined);
}

/* The id of the file at path, or of its default.nix; zero: it has none. */
static git_oid file_in(
	git_repository *repository, const git_oid *tree_id, const char *path)
{
	_cleanup_free_ char *inner = xasprintf("%s/default.nix", path);
	_cleanup_git_(tree) git_tree *tree = NULL;
	_cleanup_git_(tree_entry) git_tree_entry *entry = NULL;

	if (git_tree_lookup(&tree, repository, tree_id) < 0 ||
		git_tree_entry_bypath(&entry, tree, path) < 0)
		return (git_oid){0};
	if (git_tree_entry_type(entry) == GIT_OBJECT_TREE) {
		git_tree_entry_free(TAKE_PTR(entry));
		if (git_tree_entry_bypath(&entry, tree, inner) < 0)
			return (git_oid){0};
	}
	return *git_tree_entry_id(entry);
}

/* The newest step of others that changed the file; NO_OWNER: there is none. */
static size_t last_foreign_step(const struct court *court, const char *file)
{
	const struct chain *chain = &court->hand->chain;

	for (size_t i = chain->len; i-- > 1;) {
		const struct step *step = &chain->list[i];
		git_oid before, after;

		if (step->is_rollback ||
			build_is_of_agent(&step->build, court->hand->call->caller->agent))
			continue;
		before = file_in(court->repository, &chain->list[i - 1].tree, file);
		after = file_in(court->repository, &step->tree, file);
		if (!git_oid_equal(&before, &after) && !git_oid_is_zero(&after))
			return i;
	}
	return NO_OWNER;
}

static bool is_comment(const char *text)
{
	text += strspn(text, " \t");
	return *text == '#' || starts_with(text, "/*");
}

/* Whether a new line names the file, or its directory as a whole, as a function that
 * imports all of a directory does. */
static bool is_named_anew(const struct items *items, const char *file)
{
	const char *slash = strrchr(file, '/');
	_cleanup_free_ char *parent =
		slash ? xstrndup(file, (size_t)(slash - file)) : xstrdup("");

	for (size_t i = 0; i < items->len; i++) {
		const struct item *item = &items->list[i];

		if (item->kind == ITEM_LINE && !item->is_lost &&
			!is_comment(item->text) &&
			(text_names_path(item->text, file) ||
				has_word(item->text, basename(parent))))
			return true;
	}
	return false;
}

/* Whether mine lacks the file and all of its lines. */
static bool is_gone(const struct items *items, char *file)
{
	for (size_t i = 0; i < items->len; i++) {
		const struct item *item = &items->list[i];

		if (item->whole_file && item->is_lost &&
			path_is_below(item_path(items, item), &file, 1))
			return true;
	}
	return false;
}

static bool has_file(git_repository *repository, const git_oid *tree, const char *file)
{
	const git_oid id = file_in(repository, tree, file);

	return !git_oid_is_zero(&id);
}

/* The file that the item's line imports; NULL: none. The caller frees. */
static char *imported_by(const struct items *items, const struct item *item)
{
	const char *path = item_path(items, item);

	if (item->kind != ITEM_LINE || item->key || item->whole_file ||
		!ends_with(path, ".nix") || is_comment(item->text))
		return NULL;
	return imported_file(path, item->text);
}

/* Whether the line imports a file that others had taken the import of out. */
static bool is_import_back(const struct items *items, const struct item *item)
{
	_cleanup_free_ char *file = item->is_lost || item->owner == NO_OWNER
					    ? NULL
					    : imported_by(items, item);

	return file != NULL;
}

/* Whether mine lacks the file, but none of its lines: they are in other files now, and
 * not in one that it once was. */
static bool is_dissolved(const struct court *court, char *file)
{
	const struct items *items = &court->items;

	for (size_t i = 0; i < items->len; i++)
		if (is_import_back(items, &items->list[i]) ||
			(items->list[i].is_lost &&
				path_is_below(
					item_path(items, &items->list[i]), &file, 1)))
			return false;
	return !has_file(court->repository, &court->hand->call->snapshot->tree, file) &&
	       has_file(court->repository, &court->live, file);
}

/* Whether a line that was never live imports the file, or, if the file was moved, a new
 * file. */
static bool is_imported_anew(const struct court *court, const char *path, char *file)
{
	const struct items *items = &court->items;
	git_repository *repository = court->repository;
	const git_oid *mine = &court->hand->call->snapshot->tree;
	const bool was_moved = !is_gone(items, file) && !has_file(repository, mine, file);

	for (size_t i = 0; i < items->len; i++) {
		const struct item *item = &items->list[i];
		_cleanup_free_ char *other = item->is_lost || item->owner != NO_OWNER
						     ? NULL
						     : imported_by(items, item);

		if (other && !path_is_anothers(path, item_path(items, item)) &&
			(streq(other, file) ||
				(was_moved && has_file(repository, mine, other) &&
					!has_file(repository, &court->live, other))))
			return true;
	}
	return false;
}

/* Whether nobody else has brought the line. */
static bool is_own(const struct court *court, const struct item *item)
{
	return item->owner == NO_OWNER ||
	       build_is_of_agent(&court->hand->chain.list[item->owner].build,
		       court->hand->call->caller->agent);
}

/* Whether mine has no import of the file any more, but needs one. */
static bool is_taken_out(const struct court *court, char *file)
{
	return !is_named_anew(&court->items, file) &&
	       (is_gone(&court->items, file) ||
		       has_file(court->repository, &court->hand->call->snapshot->tree,
			       file));
}

void imports_attribute(struct court *court)
{
	for (size_t i = 0; i < court->items.len; i++) {
		struct item *item = &court->items.list[i];
		_cleanup_free_ char *file =
			item->is_lost ? imported_by(&court->items, item) : NULL;
		size_t step = NO_OWNER;

		if (!file)
			continue;
		if (is_imported_anew(court, item_path(&court->items, item), file) ||
			is_dissolved(court, file))
			item->verdict = VERDICT_MOVED;
		else if (is_own(court, item) && is_taken_out(court, file))
			step = last_foreign_step(court, file);
		if (step == NO_OWNER)
			continue;
		item->owner = step;
		item->is_import = true;
		item->is_fresh = false;
	}
}
