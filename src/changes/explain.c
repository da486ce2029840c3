#include "changes/explain.h"

#include <inttypes.h>

#include "base/memory.h"
#include "base/text.h"
#include "changes/lock_file.h"
#include "changes/uncommitted.h"

#define NAME_SHOWN 40

/* Takes the note. */
static void add_note(struct changes *changes, size_t path, char *note)
{
	_cleanup_free_ char *before = changes->notes[path], *last = note;

	changes->notes[path] =
		xasprintf("%s%s%s", before ? before : "", before ? ", " : "", last);
}

static void note_fresh(struct changes *changes, struct ledger *ledger,
	const struct configuration *configuration, const struct snapshot *snapshot,
	const struct edits *edits)
{
	_cleanup_path_changes_ struct path_changes uncommitted = {0};
	_cleanup_free_ struct file_look *looks = NULL;
	const bool has_commit = !git_oid_is_zero(&snapshot->commit);
	const bool is_dirty = !git_oid_is_zero(&snapshot->committed);

	if ((has_commit && !is_dirty) ||
		(is_dirty && tree_diff(&uncommitted, ledger->repository,
				     &snapshot->committed, &snapshot->tree) < 0))
		return;
	looks = changed_files_look(configuration->root, &changes->total);
	for (size_t i = 0; i < changes->fresh_len; i++) {
		const size_t path = changes->fresh[i];
		const char *name = changes->total.list[path].path;
		char *saved;

		if (is_dirty && !path_changes_find(&uncommitted, name))
			continue;
		if (is_dirty)
			add_note(changes, path, xstrdup("uncommitted"));
		saved = saved_describe(&looks[path], configuration->root, name, edits);
		if (saved)
			add_note(changes, path, saved);
	}
}

/* Which of a build's paths were not committed when it was built. */
static void note_uncommitted(struct changes *changes, struct ledger *ledger,
	const struct foreign_build *foreign)
{
	const git_oid *committed = &foreign->build.config_tree;
	_cleanup_path_changes_ struct path_changes uncommitted = {0};

	if (git_oid_is_zero(committed) || !ledger_has(ledger, committed) ||
		tree_diff(&uncommitted, ledger->repository, committed,
			&foreign->build.tree) < 0)
		return;
	for (size_t i = 0; i < foreign->len; i++)
		if (path_changes_find(
			    &uncommitted, changes->total.list[foreign->paths[i]].path))
			add_note(changes, foreign->paths[i], xstrdup("uncommitted"));
}

/* Empty where there is no such blob. */
static void read_lock_file(
	struct lock_file *ret, struct ledger *ledger, const git_oid *id)
{
	_cleanup_git_(blob) git_blob *blob = NULL;

	*ret = (struct lock_file){0};
	if (!git_oid_is_zero(id) && git_blob_lookup(&blob, ledger->repository, id) == 0)
		lock_file_parse(ret, blob);
}

/* An input that is newer in the build than in mine: what looks like an update from one's
 * own last build goes back. NULL: none; it lives as long as theirs. */
static const char *find_newer_input(
	const struct lock_file *mine, const struct lock_file *theirs)
{
	for (size_t i = 0; i < mine->len; i++) {
		const struct lock_input *its =
			lock_file_find(theirs, mine->inputs[i].name);

		if (its && mine->inputs[i].modified &&
			its->modified > mine->inputs[i].modified)
			return its->name;
	}
	return NULL;
}

static void note_changed_again(struct changes *changes, struct ledger *ledger,
	const struct build *build, size_t path)
{
	const struct path_change *change = &changes->total.list[path];
	_cleanup_lock_file_ struct lock_file mine = {0}, theirs = {0};
	_cleanup_free_ char *newer = NULL;
	const char *name;
	git_oid id;

	if (is_lock_file(change->path) &&
		ledger_path_id(&id, ledger, &build->tree, change->path) == 0) {
		read_lock_file(&mine, ledger, &change->new_id);
		read_lock_file(&theirs, ledger, &id);
	}
	name = find_newer_input(&mine, &theirs);
	newer = name ? text_name(name, NAME_SHOWN) : NULL;
	add_note(changes, path,
		newer ? xasprintf("%s is newer in build %" PRIu64 " by %s", newer,
				build->number, build->agent)
		      : xasprintf("changed again since build %" PRIu64 " by %s",
				build->number, build->agent));
}

/* Paths not built yet that a build since base has changed as well. */
static void note_overwritten(struct changes *changes, struct ledger *ledger)
{
	_cleanup_free_ size_t *last = xcalloc(changes->total.len + 1, sizeof(*last));
	const git_oid *before = &changes->base.tree;

	for (size_t i = 0; i < changes->foreign_len; i++) {
		const struct build *build = &changes->foreign[i].build;
		_cleanup_path_changes_ struct path_changes its = {0};

		if (tree_diff(&its, ledger->repository, before, &build->tree) < 0)
			return;
		for (size_t j = 0; j < changes->fresh_len; j++)
			if (path_changes_find(
				    &its, changes->total.list[changes->fresh[j]].path))
				last[changes->fresh[j]] = i + 1;
		before = &build->tree;
	}
	for (size_t j = 0; j < changes->fresh_len; j++) {
		const size_t path = changes->fresh[j];

		if (last[path])
			note_changed_again(changes, ledger,
				&changes->foreign[last[path] - 1].build, path);
	}
}

/* "Deleted" alone would blame somebody: the caller, or this branch, may never have had
 * these files of its own. */
static void note_absent(struct changes *changes)
{
	const bool is_own = changes->base_kind == BASE_OWN;

	for (size_t i = 0; i < changes->fresh_len; i++)
		if (!changes->total.list[changes->fresh[i]].new_mode)
			add_note(changes, changes->fresh[i],
				xasprintf("not here, but in %sbuild %" PRIu64,
					is_own ? "your " : "", changes->base.number));
}

static void list_commits(struct changes *changes,
	const struct configuration *configuration, const struct snapshot *snapshot)
{
	const size_t len = changes->foreign_len + 1;
	_cleanup_free_ struct commit_step *steps = xcalloc(len, sizeof(*steps));
	bool differ = false;
	const git_oid from = changes->base.config_commit;
	git_oid before = from;

	for (size_t i = 0; i < len; i++) {
		if (i == changes->foreign_len)
			steps[i].to = snapshot->commit;
		else
			steps[i].to = changes->foreign[i].build.config_commit;
		differ = differ || !git_oid_equal(&steps[i].to, &before);
		before = steps[i].to;
	}
	/* Without a commit to count from, all of history would be new. */
	if (git_oid_is_zero(&from) || !differ ||
		commits_list(steps, len, configuration->root, &from) < 0)
		return;
	for (size_t i = 0; i < changes->foreign_len; i++)
		changes->foreign[i].commits = steps[i];
	changes->fresh_commits = steps[changes->foreign_len];
}

void changes_explain(struct changes *changes, struct ledger *ledger,
	const struct configuration *configuration, const struct snapshot *snapshot,
	const struct edits *edits)
{
	if (changes->base_kind == BASE_NONE || !changes->total.len)
		return;
	changes->notes = xcalloc(changes->total.len, sizeof(*changes->notes));
	note_fresh(changes, ledger, configuration, snapshot, edits);
	for (size_t i = 0; i < changes->foreign_len; i++)
		note_uncommitted(changes, ledger, &changes->foreign[i]);
	note_overwritten(changes, ledger);
	note_absent(changes);
	if (configuration->is_git)
		list_commits(changes, configuration, snapshot);
}
