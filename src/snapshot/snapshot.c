#include "snapshot/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <time.h>

#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "snapshot/repository.h"
#include "snapshot/taking.h"
#include "snapshot/untracked.h"
#include "snapshot/worker.h"

/* A first record of tens of thousands of files on a slow disk; hangs are what it is for.
 */
#define DEADLINE_MS 60000

struct job {
	const struct configuration *configuration;
	const struct settings *settings;
	const char *scratch; /* NULL: the ledger */
};

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* "/" and homes hold everything that a person has: never taken as a configuration. */
static bool is_too_wide(const char *root)
{
	const char *home = getenv("HOME");
	char real[PATH_MAX];
	struct stat status;
	const struct passwd *owner;

	if (streq(root, "/") || streq(root, "/root") || streq(root, "/home"))
		return true;
	if (home && realpath(home, real) && streq(real, root))
		return true;
	if (stat(root, &status) < 0)
		return false;
	owner = getpwuid(status.st_uid);
	return owner && realpath(owner->pw_dir, real) && streq(real, root);
}

static char *cache_path(const struct job *job)
{
	const struct configuration *configuration = job->configuration;
	_cleanup_free_ char *key = xasprintf("%d %d %d %d %s", configuration->kind,
		configuration->is_flake, configuration->is_git, configuration->submodules,
		configuration->root);
	char text[OID_TEXT_SIZE];
	git_oid id;

	git_odb_hash(&id, key, strlen(key), GIT_OBJECT_BLOB);
	return xasprintf(
		"%s/cache/%s.stat", job->settings->state_path, oid_text(text, &id));
}

static int take_files(git_oid *ret, const struct job *job, struct objects *objects,
	git_repository *repository, struct record *answer)
{
	const bool tracked = job->configuration->kind == CONFIGURATION_GIT_FLAKE;
	_cleanup_free_ char *path = cache_path(job);
	_cleanup_stat_cache_ struct stat_cache *cache = stat_cache_open(path, objects);
	_cleanup_close_ int root = open(
		job->configuration->root, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct taking taking = {
		.root_fd = root,
		.objects = objects,
		.cache = cache,
		.stubs = !job->configuration->is_flake,
	};
	const int64_t taken = now_ns();
	const git_oid *whole;
	int result;

	if (root < 0)
		return error_errno("cannot read '%s'", job->configuration->root);
	result = tracked ? take_tracked_files(
				   &taking, repository, job->configuration->submodules)
			 : take_all_files(&taking, repository);
	whole = stat_cache_whole_tree(cache);
	if (result == 0 && whole)
		*ret = *whole;
	else if (result == 0)
		result = entries_build_tree(&taking.entries, objects, ret);
	if (result == 0)
		result = objects_flush(objects);
	/* Its ids would be worth nothing to the next run: the ledger has not got them. */
	if (result == 0 && !whole && !job->scratch)
		stat_cache_write(path, &taking.entries, ret, &taking.index, taken);
	if (result == 0 && tracked)
		untracked_describe(answer, &taking, repository);
	record_setf(answer, "Left-Out", "%zu", taking.left_out);
	record_set(answer, "Left-Out-Example", taking.left_out_example);
	free(taking.left_out_example);
	entries_free(&taking.entries);
	return result;
}

static int take_pinned(git_oid *ret, git_oid *commit, const struct job *job,
	struct objects *objects, git_repository *repository)
{
	const char *revision = job->configuration->revision;
	_cleanup_git_(object) git_object *object = NULL, *peeled = NULL;
	git_oid tree;

	if (git_revparse_single(&object, repository, revision) < 0 ||
		git_object_peel(&peeled, object, GIT_OBJECT_COMMIT) < 0)
		return git_failed("cannot find '%s'", revision);
	*commit = *git_object_id(peeled);
	tree = *git_commit_tree_id((git_commit *)peeled);
	if (take_commit(ret, objects, repository, &tree) < 0)
		return -1;
	return objects_flush(objects);
}

static int is_clean(
	git_repository *repository, const git_oid *commit, const git_oid *tree)
{
	_cleanup_git_(commit) git_commit *head = NULL;

	if (git_commit_lookup(&head, repository, commit) < 0)
		return git_failed("cannot read HEAD");
	return git_oid_equal(git_commit_tree_id(head), tree);
}

/*
 * What was committed of a dirty configuration is kept beside it: what was not is the
 * difference.
 */
static int keep_committed(struct record *answer, struct objects *objects,
	git_repository *repository, const git_oid *head)
{
	_cleanup_git_(commit) git_commit *commit = NULL;
	char text[OID_TEXT_SIZE];
	git_oid tree;

	if (git_commit_lookup(&commit, repository, head) < 0)
		return git_failed("cannot read HEAD");
	if (take_commit(&tree, objects, repository, git_commit_tree_id(commit)) < 0 ||
		objects_flush(objects) < 0)
		return -1;
	record_set(answer, "Config-Tree", oid_text(text, &tree));
	return 0;
}

static int describe_state(struct record *answer, const struct job *job,
	struct objects *objects, git_repository *repository, const git_oid *tree)
{
	char text[OID_TEXT_SIZE];
	git_oid commit;
	int found, clean;

	if (!repository) {
		record_set(answer, "Config-State", "plain");
		return 0;
	}
	if (job->configuration->kind == CONFIGURATION_COMMIT) {
		record_set(answer, "Config-State", "clean");
		return 0;
	}
	record_set(answer, "Unfinished", repository_unfinished(repository));
	found = repository_head(&commit, repository);
	if (found < 0)
		return -1;
	if (!found) {
		record_set(answer, "Config-State", "unborn");
		return 0;
	}
	clean = is_clean(repository, &commit, tree);
	if (clean < 0)
		return -1;
	record_set(answer, "Config-State", clean ? "clean" : "dirty");
	record_set(answer, "Config-Commit", oid_text(text, &commit));
	return clean ? 0 : keep_committed(answer, objects, repository, &commit);
}

static int take(struct record *answer, void *argument)
{
	const struct job *job = argument;
	const struct configuration *configuration = job->configuration;
	_cleanup_git_(repository) git_repository *repository = NULL;
	_cleanup_objects_ struct objects *objects = NULL;
	_cleanup_free_ char *ledger = ledger_path(job->settings);
	char text[OID_TEXT_SIZE];
	git_oid tree, commit;

	if (configuration->kind != CONFIGURATION_GIT_FLAKE &&
		configuration->kind != CONFIGURATION_COMMIT &&
		is_too_wide(configuration->root))
		return error("'%s' is a home directory or wider", configuration->root);
	if (configuration->is_git &&
		repository_open(&repository, configuration->root) < 0)
		return -1;
	if (objects_new(&objects, job->scratch ? job->scratch : ledger) < 0)
		return -1;
	if (configuration->kind == CONFIGURATION_COMMIT) {
		if (take_pinned(&tree, &commit, job, objects, repository) < 0)
			return -1;
		record_set(answer, "Config-Commit", oid_text(text, &commit));
	} else if (take_files(&tree, job, objects, repository, answer) < 0) {
		return -1;
	}
	record_set(answer, "Tree", oid_text(text, &tree));
	return describe_state(answer, job, objects, repository, &tree);
}

/* Only words of ours go into the record, whatever the worker says. */
static const char *known_state(const char *text)
{
	static const char *const states[] = {"clean", "dirty", "unborn", "plain"};

	for (size_t i = 0; text && i < ARRAY_LEN(states); i++)
		if (streq(states[i], text))
			return states[i];
	return NULL;
}

static char *copy_value(const struct record *record, const char *key)
{
	const char *value = record_get(record, key);

	return value ? xstrdup(value) : NULL;
}

int snapshot_take(struct snapshot *ret, const struct configuration *configuration,
	const struct settings *settings, const char *scratch)
{
	struct job job = {configuration, settings, scratch};
	_cleanup_record_ struct record answer = {0};
	const char *commit, *committed, *example;

	*ret = (struct snapshot){0};
	if (worker_run(&answer, "reading the configuration", take, &job, DEADLINE_MS) < 0)
		return -1;
	commit = record_get(&answer, "Config-Commit");
	committed = record_get(&answer, "Config-Tree");
	example = record_get(&answer, "Left-Out-Example");
	ret->state = known_state(record_get(&answer, "Config-State"));
	if (!ret->state || !record_get(&answer, "Tree") ||
		git_oid_fromstr(&ret->tree, record_get(&answer, "Tree")) < 0 ||
		(commit && git_oid_fromstr(&ret->commit, commit) < 0) ||
		(committed && git_oid_fromstr(&ret->committed, committed) < 0))
		return error(
			"reading the configuration: the worker gave no usable answer");
	ret->left_out = record_get_number(&answer, "Left-Out");
	ret->left_out_example = example ? xstrdup(example) : NULL;
	ret->untracked = copy_value(&answer, "Untracked");
	ret->unfinished = copy_value(&answer, "Unfinished");
	return 0;
}

void snapshot_free(struct snapshot *snapshot)
{
	free(snapshot->left_out_example);
	free(snapshot->untracked);
	free(snapshot->unfinished);
}

void snapshot_say_remarks(const struct snapshot *snapshot)
{
	if (snapshot->left_out) {
		_cleanup_free_ char *count = text_count(snapshot->left_out, "file");

		warn("the record lacks %s: %s%s", count, snapshot->left_out_example,
			snapshot->left_out > 1 ? ", ..." : "");
	}
	if (snapshot->untracked)
		warn("Nix will not see what git does not track: %s (git add -N)",
			snapshot->untracked);
	if (snapshot->unfinished)
		warn("a %s is not finished in the configuration", snapshot->unfinished);
}
