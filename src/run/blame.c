#include "run/blame.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"
#include "changes/uncommitted.h"
#include "ledger/builds.h"

/* Nobody writes a larger Nix file. */
#define SOURCE_MAX ((size_t)4 << 20)

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

/* The path is what a build has printed: it may be a FIFO that nobody ever writes to. */
static bool hash_file(git_oid *ret, const char *path)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	return read_file(path, SOURCE_MAX, &text, &len, NULL) == 0 &&
	       git_odb_hash(ret, text, len, GIT_OBJECT_BLOB) == 0;
}

/* Inputs have the same name in the store as the flake itself, and may have a file of the
 * same name: only the same content makes it ours. */
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
	return *place->path != '/' || !hash_file(&now, place->path) ||
	       git_oid_equal(&now, id);
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
	const struct run *run, const struct nix_error *error, const char **ret_path)
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

static void put_uncommitted(struct strbuf *out, const struct run *run, const char *path)
{
	_cleanup_free_ struct file_look *look =
		files_look(run->configuration.root, &path, 1);
	_cleanup_free_ char *saved =
		saved_describe(look, run->configuration.root, path, NULL);
	git_oid committed, now;

	if (git_oid_is_zero(&run->snapshot.committed) ||
		ledger_path_id(&committed, run->ledger, &run->snapshot.committed, path) <
			0 ||
		ledger_path_id(&now, run->ledger, &run->snapshot.tree, path) < 0 ||
		git_oid_equal(&committed, &now))
		return;
	strbuf_printf(out, "uncommitted, %s%s", saved ? saved : "", saved ? ", " : "");
}

/* The oldest of the last builds in a row that had the file as it is; else the last that
 * had it at all. */
static void put_build(struct strbuf *out, const struct run *run, const char *path)
{
	struct build_walk walk = builds_walk(run->ledger, run->target.name);
	_cleanup_build_ struct build at = BUILD_INIT, same = BUILD_INIT,
				     other = BUILD_INIT;
	git_oid now, then;

	walk.with_snapshot = true;
	if (ledger_path_id(&now, run->ledger, &run->snapshot.tree, path) < 0)
		return;
	while (builds_next(&at, &walk) > 0) {
		struct build *seen;

		if (ledger_path_id(&then, run->ledger, &at.tree, path) < 0 ||
			git_oid_is_zero(&then))
			continue;
		seen = git_oid_equal(&then, &now) ? &same : &other;
		if (seen == &other && same.number)
			break;
		if (seen == &other && other.number)
			continue;
		build_free(seen);
		*seen = at;
		at = (struct build)BUILD_INIT;
	}
	if (same.number)
		strbuf_printf(out, "as it is since build %" PRIu64 " by %s", same.number,
			same.agent);
	else if (other.number)
		strbuf_printf(out, "changed since build %" PRIu64 " by %s", other.number,
			other.agent);
	else
		strbuf_puts(out, "new in this build");
}

void blame(struct run *run, const struct nix_error *error)
{
	_cleanup_strbuf_ struct strbuf whose = STRBUF_INIT;
	const struct error_place *place;
	const char *path = NULL;

	if (!*error->text)
		return;
	set_string(&run->build.nix_error, xstrdup(error->text));
	place = build_has_snapshot(&run->build) ? find_place(run, error, &path) : NULL;
	if (!place)
		return;
	set_string(&run->build.nix_error_at, xasprintf("%s:%u", path, place->line));
	put_uncommitted(&whose, run, path);
	put_build(&whose, run, path);
	say("the error is in %s:%u: %s", path, place->line, whose.text);
}
