#include "run/blame.h"

#include <fcntl.h>
#include <inttypes.h>

#include "base/memory.h"
#include "base/message.h"
#include "changes/saved.h"
#include "ledger/builds.h"

/* So far back it is looked for who brought a file. */
#define BUILDS_MAX 200

/* The path below the configuration's root, NULL where it lies elsewhere. */
static const char *path_below_root(const struct run *run, const char *path)
{
	const char *root = run->configuration.root;
	const char *at_root = strstr(path, root), *source = strstr(path, "-source/");
	const char *quote = strstr(path, "»/");

	/* «git+file:///etc/nixos?dir=x»/PATH: an input has another URL. */
	if (starts_with(path, "«"))
		return quote && at_root && at_root < quote &&
				       strchr("?#\xc2", at_root[strlen(root)])
			       ? quote + strlen("»/")
			       : NULL;
	if (starts_with(path, root) && path[strlen(root)] == '/')
		return path + strlen(root) + 1;
	return source ? source + strlen("-source/") : NULL;
}

/* Inputs lie in the store under the same name as the flake itself, and may have a file of
 * the same name: only the very content is ours. */
static bool is_content(
	const struct run *run, const struct error_place *place, const git_oid *id)
{
	_cleanup_git_(blob) git_blob *blob = NULL;
	const char *text, *end;
	unsigned lines = 1;
	git_oid now;

	if (git_blob_lookup(&blob, run->ledger->repository, id) < 0)
		return false;
	text = git_blob_rawcontent(blob);
	end = text + git_blob_rawsize(blob);
	while (text < end && (text = memchr(text, '\n', (size_t)(end - text)))) {
		text++;
		lines++;
	}
	if (place->line > lines)
		return false;
	return *place->path != '/' || access(place->path, R_OK) < 0 ||
	       (git_odb_hashfile(&now, place->path, GIT_OBJECT_BLOB) == 0 &&
		       git_oid_equal(&now, id));
}

static bool is_ours(
	const struct run *run, const struct error_place *place, const char **ret)
{
	git_oid id;

	*ret = place->line ? path_below_root(run, place->path) : NULL;
	return *ret && ledger_path_id(&id, run->ledger, &run->snapshot.tree, *ret) == 0 &&
	       !git_oid_is_zero(&id) && is_content(run, place, &id);
}

/* The error's own place, else the nearest on the way to it that is in the configuration.
 */
static const struct error_place *find_place(
	const struct run *run, const struct error_reader *error, const char **ret_path)
{
	const unsigned oldest =
		error->others_len > ERROR_PLACES ? error->others_len - ERROR_PLACES : 0;

	if (is_ours(run, &error->place, ret_path))
		return &error->place;
	for (unsigned i = error->others_len; i-- > oldest;)
		if (is_ours(run, &error->others[i % ERROR_PLACES], ret_path))
			return &error->others[i % ERROR_PLACES];
	return NULL;
}

static void put_uncommitted(FILE *out, const struct run *run, const char *path)
{
	_cleanup_close_ int root =
		open(run->configuration.root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_free_ char *saved = saved_describe(root, path);
	git_oid committed, now;

	if (git_oid_is_zero(&run->snapshot.committed) ||
		ledger_path_id(&committed, run->ledger, &run->snapshot.committed, path) <
			0 ||
		ledger_path_id(&now, run->ledger, &run->snapshot.tree, path) < 0 ||
		git_oid_equal(&committed, &now))
		return;
	fprintf(out, "uncommitted, %s%s", saved ? saved : "", saved ? ", " : "");
}

/* The oldest of the last builds in a row that had the file as it is; else the last that
 * had it at all. */
static void put_build(FILE *out, const struct run *run, const char *path)
{
	_cleanup_build_ struct build at = {0};
	_cleanup_record_ struct record same = {0}, other = {0};
	git_oid now, then;
	int found = build_tip(&at, run->ledger);

	if (ledger_path_id(&now, run->ledger, &run->snapshot.tree, path) < 0)
		return;
	for (unsigned i = 0; found > 0 && i < BUILDS_MAX; i++) {
		const char *target = record_get(&at.record, "Target");

		if (build_has_snapshot(&at) && target && streq(target, run->target) &&
			ledger_path_id(&then, run->ledger, &at.tree, path) == 0 &&
			!git_oid_is_zero(&then)) {
			struct record *seen = git_oid_equal(&then, &now) ? &same : &other;

			if (seen == &other && same.len)
				break;
			if (seen == &same || !other.len) {
				record_free(seen);
				record_copy(seen, &at.record);
			}
		}
		found = build_step_back(&at, run->ledger);
	}
	if (same.len)
		fprintf(out, "as it is since build %" PRIu64 " by %s",
			record_get_number(&same, "Build"), record_get(&same, "Agent"));
	else if (other.len)
		fprintf(out, "new in this build, last built by %s (%" PRIu64 ")",
			record_get(&other, "Agent"), record_get_number(&other, "Build"));
	else
		fprintf(out, "new in this build");
}

void blame(struct run *run, const struct error_reader *error)
{
	const struct error_place *place;
	const char *path = NULL;
	char *text = NULL;
	size_t len;
	FILE *out;

	if (!*error->text)
		return;
	record_set(&run->record, "Nix-Error", error->text);
	place = run->has_snapshot && run->ledger ? find_place(run, error, &path) : NULL;
	if (!place)
		return;
	record_setf(&run->record, "Nix-Error-At", "%s:%u", path, place->line);
	out = text_stream(&text, &len);
	put_uncommitted(out, run, path);
	put_build(out, run, path);
	fclose(out);
	say("the error is in %s:%u: %s", path, place->line, text);
	free(text);
}
