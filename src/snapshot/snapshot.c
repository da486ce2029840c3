#include "snapshot/snapshot.h"

#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "snapshot/repository.h"
#include "snapshot/taking.h"

/* Ends a hang. Even tens of thousands of files on a slow disk take less. */
#define DEADLINE_MS 60000
#define SUBJECT_MAX 120

struct job {
	const struct configuration *configuration;
	struct objects *objects; /* in the parent */
	int cache, new_cache;    /* the stat cache and the one to replace it; 0: none */

	/* In the reader. */
	struct worker *worker;
	struct record answer;
	git_repository *repository; /* NULL: there is none */
	git_oid tree;
	git_oid filtered; /* what was committed, as it would be on disk; zero: the same */
	bool as_committed; /* with its submodules */
};

/* "/" and homes hold everything that a person has: we read them only as git flakes. */
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

static char *cache_path(
	const struct configuration *configuration, const struct settings *settings)
{
	_cleanup_free_ char *key = xasprintf("%d %d %d %d %s", configuration->kind,
		configuration->is_flake, configuration->is_git, configuration->submodules,
		configuration->root);
	git_oid id;

	git_odb_hash(&id, key, strlen(key), GIT_OBJECT_BLOB);
	return xasprintf("%s/cache/%s-%u.stat", settings->state_path,
		git_oid_tostr_s(&id), (unsigned)geteuid());
}

static void set_id(struct job *job, const char *key, const git_oid *id)
{
	record_set(&job->answer, key, git_oid_tostr_s(id));
}

static int take_files(struct job *job)
{
	const struct configuration *configuration = job->configuration;
	const bool tracked = configuration->kind == CONFIGURATION_GIT_FLAKE;
	_cleanup_stat_cache_ struct stat_cache *cache =
		stat_cache_read(job->cache, job->worker);
	_cleanup_close_ int root =
		open(configuration->root, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct taking taking = {
		.root_fd = root,
		.worker = job->worker,
		.cache = cache,
		.stubs = !configuration->is_flake,
		.with_untracked = !tracked,
	};
	const int64_t taken = clock_ns(CLOCK_REALTIME);
	const git_oid *whole;
	int result;

	if (root < 0)
		return error_errno("cannot read '%s'", configuration->root);
	result = tracked ? take_tracked_files(
				   &taking, job->repository, configuration->submodules)
			 : take_all_files(&taking, job->repository);
	whole = stat_cache_whole_tree(cache);
	if (result == 0 && whole)
		job->tree = *whole;
	else if (result == 0)
		result = entries_build_tree(&taking.entries, job->worker, &job->tree);
	if (result == 0 && !whole && job->new_cache &&
		stat_cache_write(job->new_cache, &taking.entries, &job->tree,
			&taking.index, taken) == 0)
		record_set(&job->answer, "Cache-Written", "yes");
	job->as_committed = result == 0 && configuration->submodules &&
			    is_as_committed(&taking.entries, job->repository);
	if (result == 0 && job->repository)
		result = filtered_tree(&job->filtered, &taking, job->repository);
	if (result == 0 && tracked)
		untracked_describe(&job->answer, &taking, job->repository);
	record_setf(&job->answer, "Left-Out", "%zu", taking.left_out.len);
	record_set(&job->answer, "Left-Out-Example", taking.left_out_example);
	free(taking.left_out_example);
	strv_free(&taking.left_out);
	entries_free(&taking.entries);
	return result;
}

static void set_commit(struct job *job, git_commit *commit)
{
	const char *subject = git_commit_summary(commit);

	set_id(job, "Config-Commit", git_commit_id(commit));
	if (subject && *subject)
		record_setf(&job->answer, "Config-Subject", "%.*s",
			(int)text_cut(subject, SUBJECT_MAX), subject);
}

static int take_pinned(struct job *job)
{
	const char *revision = job->configuration->revision;
	_cleanup_git_(object) git_object *object = NULL, *peeled = NULL;

	if (git_revparse_single(&object, job->repository, revision) < 0 ||
		git_object_peel(&peeled, object, GIT_OBJECT_COMMIT) < 0)
		return git_failed("cannot find the revision '%s'", revision);
	set_commit(job, (git_commit *)peeled);
	job->tree = *git_commit_tree_id((git_commit *)peeled);
	return send_commit(job->worker, job->repository, &job->tree);
}

static void set_state(struct job *job, enum config_state state)
{
	record_set(&job->answer, "Config-State", config_state_words[state]);
}

/*
 * If the configuration is dirty, what was committed is stored, too: the difference is
 * what was not.
 */
static int compare_with_head(struct job *job, git_commit *head)
{
	const git_oid *committed = git_commit_tree_id(head);
	const bool clean = job->as_committed ||
			   git_oid_equal(&job->filtered, &job->tree) ||
			   git_oid_equal(committed, &job->tree);

	set_state(job, clean ? CONFIG_CLEAN : CONFIG_DIRTY);
	set_commit(job, head);
	if (clean)
		return 0;
	if (send_commit(job->worker, job->repository, committed) < 0)
		return -1;
	set_id(job, "Config-Tree",
		git_oid_is_zero(&job->filtered) ? committed : &job->filtered);
	return 0;
}

static int describe_state(struct job *job)
{
	_cleanup_git_(commit) git_commit *head = NULL;
	int found;

	if (!job->repository || job->configuration->kind == CONFIGURATION_COMMIT) {
		set_state(job, job->repository ? CONFIG_CLEAN : CONFIG_PLAIN);
		return 0;
	}
	record_set(&job->answer, "Unfinished", repository_unfinished(job->repository));
	found = repository_head(&head, job->repository);
	if (!found)
		set_state(job, CONFIG_UNBORN);
	return found > 0 ? compare_with_head(job, head) : found;
}

static int read_configuration(struct job *job)
{
	const struct configuration *configuration = job->configuration;
	const bool pinned = configuration->kind == CONFIGURATION_COMMIT;

	if (configuration->kind != CONFIGURATION_GIT_FLAKE && !pinned &&
		is_too_wide(configuration->root))
		return error("'%s' is or contains home directories: too large to record",
			configuration->root);
	if (configuration->is_git &&
		repository_open(&job->repository, configuration->root) < 0)
		return -1;
	if ((pinned ? take_pinned(job) : take_files(job)) < 0)
		return -1;
	set_id(job, "Tree", &job->tree);
	return describe_state(job);
}

static int work(struct worker *worker, struct strbuf *answer, void *data)
{
	struct job *job = data;
	int result;

	job->worker = worker;
	result = read_configuration(job);
	record_put(answer, &job->answer);
	record_free(&job->answer);
	git_repository_free(job->repository);
	return result;
}

static int receive(
	unsigned type, const char *frame, size_t len, struct strbuf *reply, void *data)
{
	const struct job *job = data;

	return receive_object(type, frame, len, reply, job->objects);
}

/* Missing keys leave a zero id. */
static bool get_id(git_oid *ret, const struct record *record, const char *key)
{
	const char *text = record_get(record, key);

	*ret = (git_oid){0};
	return !text || git_oid_fromstr(ret, text) == 0;
}

/* The reader is not trusted: ids must be ids, the state one of our words. Other texts are
 * cleaned where they are shown. */
static int parse_answer(struct snapshot *ret, const struct record *answer)
{
	const int state =
		text_index(record_get(answer, "Config-State"), config_state_words);

	if (state <= CONFIG_NONE || !record_get(answer, "Tree") ||
		!get_id(&ret->tree, answer, "Tree") ||
		!get_id(&ret->commit, answer, "Config-Commit") ||
		!get_id(&ret->committed, answer, "Config-Tree"))
		return error(
			"reading the configuration: the reader gave no usable answer");
	ret->state = (enum config_state)state;
	ret->left_out = record_get_number(answer, "Left-Out");
	ret->left_out_example = xstrdup(record_get(answer, "Left-Out-Example"));
	ret->untracked = xstrdup(record_get(answer, "Untracked"));
	ret->unfinished = xstrdup(record_get(answer, "Unfinished"));
	ret->subject = xstrdup(record_get(answer, "Config-Subject"));
	return 0;
}

/* Whoever writes the cache decides what is recorded: we trust only our own. */
static int open_cache(const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat status;

	if (fd < 0)
		return 0;
	if (fstat(fd, &status) == 0 && status.st_uid == geteuid() &&
		!(status.st_mode & 0022))
		return fd;
	close(fd);
	return 0;
}

static int make_cache(const struct settings *settings)
{
	_cleanup_free_ char *directory = xasprintf("%s/cache", settings->state_path);
	int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd < 0 ? 0 : fd;
}

int snapshot_take(struct snapshot *ret, const struct configuration *configuration,
	const struct settings *settings, struct ledger *ledger, bool keep)
{
	_cleanup_objects_ struct objects *objects = NULL;
	_cleanup_record_ struct record answer = {0};
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	_cleanup_free_ char *path = cache_path(configuration, settings);
	struct job job = {.configuration = configuration};
	struct worker_job worker_job = {
		.what = "reading the configuration",
		.work = work,
		.receive = receive,
		.data = &job,
		.deadline_ms = DEADLINE_MS,
		.owner_of = configuration->root,
	};
	int result;

	*ret = (struct snapshot){0};
	if (objects_new(&objects, ledger, keep) < 0)
		return -1;
	job.objects = objects;
	job.cache = worker_job.keep[0] = open_cache(path);
	/* The next run cannot use ids of objects that are not kept. */
	job.new_cache = worker_job.keep[1] = keep ? make_cache(settings) : 0;
	result = worker_run(&text, &worker_job);
	if (result == 0)
		record_parse(&answer, text.text, text.len);
	if (result == 0 && (result = parse_answer(ret, &answer)) == 0)
		result = objects_flush(objects);
	if (result == 0 && record_get(&answer, "Cache-Written"))
		(void)link_file_over(job.new_cache, path);
	if (job.cache)
		close(job.cache);
	if (job.new_cache)
		close(job.new_cache);
	return result;
}

void snapshot_free(struct snapshot *snapshot)
{
	free(snapshot->left_out_example);
	free(snapshot->untracked);
	free(snapshot->unfinished);
	free(snapshot->subject);
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
		warn("the configuration's repository has an unfinished %s",
			snapshot->unfinished);
}
