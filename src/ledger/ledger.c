#include "ledger/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "ledger/builds.h"

/* How long the ledger's lock is tried for: 10 s. */
#define PAUSE_NS 2000000
#define PAUSES_MAX 5000
/* No git works on one reference for longer. */
#define LOCK_SECONDS 3600
/* ... nor has its lock there for so long while it works on others. */
#define MOMENT_NS 50000000
/* Files are stamped with a clock that lags by up to a tick. */
#define CLOCK_LAG_NS 20000000
/* A larger one is no number that we have given: somebody planted a ref. */
#define NUMBER_MAX 1000000000

char *ref_of_running(uint64_t number)
{
	return xasprintf(REF_RUNNING "%" PRIu64, number);
}

char *ref_of_agent(const char *target, const char *agent)
{
	return xasprintf("refs/agents/%s/%s", target, agent);
}

char *ledger_path(const struct settings *settings)
{
	return xasprintf("%s/ledger.git", settings->state_path);
}

static struct ledger *new_ledger(const struct settings *settings)
{
	struct ledger *ledger = xcalloc(1, sizeof(*ledger));

	ledger->path = ledger_path(settings);
	ledger->lock_path = xasprintf("%s/ledger.lock", settings->state_path);
	return ledger;
}

void ledger_free(struct ledger *ledger)
{
	if (!ledger)
		return;
	git_repository_free(ledger->repository);
	free(ledger->path);
	free(ledger->lock_path);
	free(ledger);
}

static int open_repository(struct ledger *ledger)
{
	if (faccessat(AT_FDCWD, ledger->path, R_OK | X_OK, AT_EACCESS) < 0)
		return error_errno(
			"cannot read the ledger '%s' (use sudo, or become a member of "
			"its group)",
			ledger->path);
	if (git_repository_open_bare(&ledger->repository, ledger->path) < 0)
		return git_failed("cannot read the ledger '%s'", ledger->path);
	return 0;
}

int ledger_path_id(git_oid *ret, const struct ledger *ledger, const git_oid *tree_id,
	const char *path)
{
	_cleanup_git_(tree) git_tree *tree = NULL;
	_cleanup_git_(tree_entry) git_tree_entry *entry = NULL;
	int found;

	*ret = (git_oid){0};
	if (git_tree_lookup(&tree, ledger->repository, tree_id) < 0)
		return git_failed("cannot read a snapshot");
	found = git_tree_entry_bypath(&entry, tree, path);
	if (found < 0 && found != GIT_ENOTFOUND)
		return git_failed("cannot read a snapshot");
	if (found == 0)
		*ret = *git_tree_entry_id(entry);
	return 0;
}

bool ledger_has(const struct ledger *ledger, const git_oid *id)
{
	_cleanup_git_(odb) git_odb *odb = NULL;

	return git_repository_odb(&odb, ledger->repository) == 0 &&
	       git_odb_exists(odb, id);
}

int ledger_open(struct ledger **ret, const struct settings *settings)
{
	_cleanup_ledger_ struct ledger *ledger = new_ledger(settings);

	*ret = NULL;
	if (faccessat(AT_FDCWD, ledger->path, F_OK, AT_EACCESS) < 0 && errno == ENOENT)
		return 0;
	if (git_start() < 0 || open_repository(ledger) < 0)
		return -1;
	*ret = TAKE_PTR(ledger);
	return 0;
}

/*
 * What nobody may change gets no group write; what every member adds to gets it. Made in
 * a directory that only root can enter, so that there is nothing to follow.
 */
static int set_permissions(const char *path, const struct sharing *sharing)
{
	static const struct {
		const char *name;
		mode_t mode;
	} entries[] = {{"objects", 02770}, {"objects/info", 02750},
		{"objects/pack", 02770}, {"refs", 02770}, {"refs/heads", 02770},
		{"refs/tags", 02770}, {"hooks", 0750}, {"info", 0750},
		{"info/exclude", 0640}, {"hooks/README.sample", 0640}, {"config", 0640},
		{"HEAD", 0640}, {"description", 0640}, {".", 02750}};

	for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
		_cleanup_free_ char *entry = xasprintf("%s/%s", path, entries[i].name);

		if (chown(entry, sharing->user, sharing->group) < 0 ||
			chmod(entry, entries[i].mode) < 0)
			if (errno != ENOENT)
				return error_errno("cannot make '%s'", entry);
	}
	return 0;
}

/* What a record merely names, as Config-Tree does, must outlive a git gc. */
static int keep_everything(git_repository *repository)
{
	git_config *config = NULL;
	int result = git_repository_config(&config, repository);

	if (result == 0)
		result = git_config_set_string(config, "gc.pruneExpire", "never");
	if (result == 0)
		result = git_config_set_bool(config, "gc.packRefs", false);
	git_config_free(config);
	return result < 0 ? git_failed("cannot make the ledger") : 0;
}

/* Made under another name and then renamed: nobody ever sees half a ledger. */
static int make_repository(const struct ledger *ledger, const struct sharing *sharing)
{
	git_repository_init_options options = GIT_REPOSITORY_INIT_OPTIONS_INIT;
	_cleanup_git_(repository) git_repository *repository = NULL;
	_cleanup_free_ char *unfinished = xasprintf("%s.new.XXXXXX", ledger->path);

	if (!mkdtemp(unfinished))
		return error_errno("cannot make '%s'", unfinished);
	options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_NO_REINIT;
	options.initial_head = "builds";
	options.description =
		"builds of this machine's configuration, see safe-rebuild(8)";
	if (git_repository_init_ext(&repository, unfinished, &options) < 0)
		return git_failed("cannot make the ledger '%s'", unfinished);
	if (keep_everything(repository) < 0 || set_permissions(unfinished, sharing) < 0)
		return -1;
	if (rename(unfinished, ledger->path) < 0)
		return error_errno("cannot make the ledger '%s'", ledger->path);
	return 0;
}

/* A mark that is there already is of a writer that was killed. */
static void mark_lock(struct ledger *ledger, int fd)
{
	struct stat status;

	ledger->cut_off_ns = fstat(fd, &status) == 0 && status.st_size
				     ? clock_nanoseconds(&status.st_mtim) - CLOCK_LAG_NS
				     : 0;
	(void)!pwrite(fd, "w", 1, 0);
}

static void unlock(int *fd)
{
	if (*fd < 0)
		return;
	(void)!ftruncate(*fd, 0);
	close(*fd);
}
#define _cleanup_unlock_ _cleanup_(unlock)

static int take_lock(struct ledger *ledger, gid_t group)
{
	_cleanup_close_ int fd =
		open_shared_file(AT_FDCWD, ledger->lock_path, 0660, group);
	const struct timespec pause = {.tv_nsec = PAUSE_NS};

	if (fd < 0)
		return error_errno("cannot open '%s'", ledger->lock_path);
	/*
	 * Polled, for it is held for milliseconds at a time, and whoever was stopped with
	 * it must not keep a rebuild from starting.
	 */
	for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return error_errno("cannot lock '%s'", ledger->lock_path);
		if (i == PAUSES_MAX)
			return error("somebody has kept '%s' locked for 10 s",
				ledger->lock_path);
		nanosleep(&pause, NULL);
	}
	mark_lock(ledger, fd);
	return TAKE_FD(fd);
}

int ledger_make(const struct settings *settings)
{
	_cleanup_ledger_ struct ledger *ledger = new_ledger(settings);
	_cleanup_free_ char *cache = xasprintf("%s/cache", settings->state_path);
	_cleanup_free_ char *edits = xasprintf("%s/edits", settings->state_path);
	_cleanup_unlock_ int lock = -1;
	struct sharing sharing;

	sharing_find(&sharing, settings);
	if (sharing_make_top(&sharing, settings->state_path, 02750) < 0 ||
		sharing_make(&sharing, cache) < 0 || sharing_make(&sharing, edits) < 0)
		return error_errno("cannot make '%s'", settings->state_path);
	lock = take_lock(ledger, sharing.group);
	if (lock < 0)
		return -1;
	if (access(ledger->path, F_OK) == 0)
		return 0;
	return git_start() < 0 ? -1 : make_repository(ledger, &sharing);
}

int ledger_open_to_record(struct ledger **ret, const struct settings *settings)
{
	_cleanup_ledger_ struct ledger *ledger = new_ledger(settings);

	*ret = NULL;
	if (git_start() < 0)
		return -1;
	if (faccessat(AT_FDCWD, ledger->path, F_OK, AT_EACCESS) < 0 &&
		(errno != ENOENT || ledger_make(settings) < 0))
		return error_errno("cannot record builds in '%s'", ledger->path);
	if (open_repository(ledger) < 0)
		return -1;
	if (faccessat(AT_FDCWD, ledger->lock_path, W_OK, AT_EACCESS) < 0 &&
		errno != ENOENT)
		return error_errno("cannot record builds: '%s'", ledger->lock_path);
	*ret = TAKE_PTR(ledger);
	return 0;
}

static int highest_running(struct ledger *ledger, uint64_t *highest)
{
	_cleanup_git_(reference_iterator) git_reference_iterator *iterator = NULL;
	const char *name;
	int result;

	if (git_reference_iterator_glob_new(
		    &iterator, ledger->repository, REF_RUNNING "*") < 0)
		return git_failed("cannot read the ledger '%s'", ledger->path);
	while ((result = git_reference_next_name(&name, iterator)) == 0) {
		uint64_t number = strtoumax(strrchr(name, '/') + 1, NULL, 10);

		if (number > *highest && number <= NUMBER_MAX)
			*highest = number;
	}
	return result == GIT_ITEROVER
		       ? 0
		       : git_failed("cannot read the ledger '%s'", ledger->path);
}

int ledger_highest_number(struct ledger *ledger, uint64_t *ret)
{
	_cleanup_build_ struct build tip = BUILD_INIT;

	if (build_tip(&tip, ledger) < 0)
		return -1;
	*ret = tip.numbers_given > tip.number ? tip.numbers_given : tip.number;
	return highest_running(ledger, ret);
}

static char *commit_message(const struct build *build)
{
	struct strbuf out = STRBUF_INIT;
	const char *action = build->action ? build->action : "unknown";
	_cleanup_free_ char *subject = text_clean(action, strlen(action));

	/* A newline in the action would begin the record, which follows the first blank
	 * line. */
	strbuf_printf(&out, "%s: %s\n\n", subject, outcome_word(build->outcome));
	build_put(&out, build);
	return strbuf_take(&out);
}

static int make_signature(git_signature **ret, const struct build *build, time_t when)
{
	_cleanup_free_ char *address =
		xasprintf("%s@localhost", build->user ? build->user : "unknown");

	if (git_signature_new(ret, build->agent, address, when, 0) < 0)
		return git_failed("cannot record '%s' as an author", build->agent);
	return 0;
}

static int write_empty_tree(struct ledger *ledger, git_oid *ret)
{
	_cleanup_git_(odb) git_odb *odb = NULL;

	if (git_repository_odb(&odb, ledger->repository) < 0 ||
		git_odb_write(ret, odb, "", 0, GIT_OBJECT_TREE) < 0)
		return git_failed("cannot write to the ledger '%s'", ledger->path);
	return 0;
}

static int write_commit(struct ledger *ledger, const struct build *build,
	const git_oid *parent, git_oid *ret)
{
	_cleanup_free_ char *message = commit_message(build);
	_cleanup_git_(signature) git_signature *author = NULL, *committer = NULL;
	_cleanup_git_(commit) git_commit *parent_commit = NULL;
	_cleanup_git_(tree) git_tree *tree = NULL;
	const git_commit *parents[1];
	git_oid tree_id = build->tree;

	if (make_signature(&author, build, build->started) < 0 ||
		make_signature(&committer, build,
			build->finished ? build->finished : build->started) < 0)
		return -1;
	if (!build_has_snapshot(build) && write_empty_tree(ledger, &tree_id) < 0)
		return -1;
	if (git_tree_lookup(&tree, ledger->repository, &tree_id) < 0)
		return git_failed("cannot find the snapshot in the ledger");
	if (parent && git_commit_lookup(&parent_commit, ledger->repository, parent) < 0)
		return git_failed("cannot read the ledger '%s'", ledger->path);
	parents[0] = parent_commit;
	if (git_commit_create(ret, ledger->repository, NULL, author, committer, "UTF-8",
		    message, tree, parent ? 1 : 0, parents) < 0)
		return git_failed("cannot write to the ledger '%s'", ledger->path);
	return 0;
}

/* Made before this boot, or by a process that has had an hour to finish. */
static bool is_left_behind(const struct stat *lock)
{
	const time_t age = time(NULL) - lock->st_ctime;

	return age > LOCK_SECONDS || age > clock_boot_ms() / 1000;
}

/* Made since the killed writer began; a git's own would be gone in a moment. */
static bool is_of_killed(
	const struct ledger *ledger, const char *path, const struct stat *lock)
{
	const struct timespec moment = {.tv_nsec = MOMENT_NS};
	struct stat now;

	if (!ledger->cut_off_ns || clock_nanoseconds(&lock->st_ctim) < ledger->cut_off_ns)
		return false;
	nanosleep(&moment, NULL);
	return lstat(path, &now) == 0 && now.st_ino == lock->st_ino;
}

/*
 * A crash can leave git's REF.lock behind, or a ref without content. Nobody else of ours
 * is writing, for we have the ledger's lock; but a git pack-refs or gc may be, and closes
 * its locks before they are done with.
 */
static void clear_lock(const struct ledger *ledger, const char *name)
{
	_cleanup_free_ char *lock = xasprintf("%s/%s.lock", ledger->path, name);
	struct stat status;

	if (lstat(lock, &status) == 0 &&
		(is_left_behind(&status) || is_of_killed(ledger, lock, &status)))
		unlink(lock);
}

static void clear_leftovers(const struct ledger *ledger, const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", ledger->path, name);
	struct stat status;

	clear_lock(ledger, name);
	clear_lock(ledger, "packed-refs");
	if (lstat(path, &status) == 0 && S_ISREG(status.st_mode) && !status.st_size)
		unlink(path);
}

static bool is_locked(const struct ledger *ledger, const char *name)
{
	_cleanup_free_ char *lock = xasprintf("%s/%s.lock", ledger->path, name);
	struct stat status;

	return lstat(lock, &status) == 0 && S_ISREG(status.st_mode);
}

/* What could not be done because of another's lock is to be tried again; libgit2 calls
 * other failures by that name, too. */
static bool waits_for_git(
	const struct ledger *ledger, const char *name, int result, int *pauses)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};

	if (result != GIT_ELOCKED || ++*pauses == PAUSES_MAX ||
		(!is_locked(ledger, name) && !is_locked(ledger, "packed-refs")))
		return false;
	nanosleep(&pause, NULL);
	return true;
}

/* 1 where there is one already and force is not given. */
static int make_reference(
	struct ledger *ledger, const char *name, const git_oid *commit, bool force)
{
	_cleanup_git_(reference) git_reference *reference = NULL;
	int result, pauses = 0;

	clear_leftovers(ledger, name);
	do
		result = git_reference_create(
			&reference, ledger->repository, name, commit, force, NULL);
	while (waits_for_git(ledger, name, result, &pauses));
	if (result == GIT_EEXISTS)
		return 1;
	return result < 0 ? git_failed("cannot write to the ledger '%s'", ledger->path)
			  : 0;
}

static int set_reference(struct ledger *ledger, const char *name, const git_oid *commit)
{
	return make_reference(ledger, name, commit, true);
}

static int remove_reference(struct ledger *ledger, const char *name)
{
	int result, pauses = 0;

	clear_leftovers(ledger, name);
	do
		result = git_reference_remove(ledger->repository, name);
	while (waits_for_git(ledger, name, result, &pauses));
	return result < 0 ? git_failed("cannot write to the ledger '%s'", ledger->path)
			  : 0;
}

/*
 * What is in the chain is recorded. A member cannot remove a ref that root has packed:
 * root's next run that has the lock does.
 */
static int remove_running(struct ledger *ledger, const char *name)
{
	git_oid id;

	if (git_reference_name_to_id(&id, ledger->repository, name) == 0 &&
		remove_reference(ledger, name) < 0)
		warn("the build stays listed as running until root rebuilds");
	return 0;
}

int ledger_begin(struct ledger *ledger, struct build *build)
{
	_cleanup_unlock_ int lock = take_lock(ledger, (gid_t)-1);
	git_oid commit;
	int taken;

	if (lock < 0 || ledger_highest_number(ledger, &build->number) < 0)
		return -1;
	build->outcome = OUTCOME_RUNNING;
	do {
		/* One that could not be read just now is not written over. */
		_cleanup_free_ char *reference = ref_of_running(++build->number);

		taken = write_commit(ledger, build, NULL, &commit) < 0
				? -1
				: make_reference(ledger, reference, &commit, false);
	} while (taken > 0 && build->number < NUMBER_MAX);
	if (taken)
		build->number = 0;
	return taken ? -1 : 0;
}

int ledger_finish(struct ledger *ledger, struct build *build)
{
	_cleanup_unlock_ int lock = take_lock(ledger, (gid_t)-1);
	_cleanup_free_ char *running = ref_of_running(build->number);
	_cleanup_free_ char *agent = ref_of_agent(build->target, build->agent);
	_cleanup_build_ struct build earlier = BUILD_INIT;
	git_oid commit, tip;
	int found;

	if (lock < 0 || ledger_highest_number(ledger, &build->numbers_given) < 0)
		return -1;
	/* Its own is given, whatever could be read of it just now. */
	if (build->numbers_given < build->number)
		build->numbers_given = build->number;
	found = build_in_chain(&earlier, ledger, build->number);
	if (found < 0)
		return -1;
	if (found)
		return remove_running(ledger, running);
	found = git_reference_name_to_id(&tip, ledger->repository, REF_CHAIN);
	if (found < 0 && found != GIT_ENOTFOUND)
		return git_failed("cannot read the ledger '%s'", ledger->path);
	set_string(&build->ticket, NULL);
	/* The chain first: after a crash here the build is merely listed as running, too.
	 */
	if (write_commit(ledger, build, found == 0 ? &tip : NULL, &commit) < 0 ||
		set_reference(ledger, REF_CHAIN, &commit) < 0 ||
		set_reference(ledger, agent, &commit) < 0)
		return -1;
	return remove_running(ledger, running);
}

static bool is_same(const char *a, const char *b)
{
	return a && b && streq(a, b);
}

int ledger_note_refusal(struct ledger *ledger, const struct build *call)
{
	_cleanup_unlock_ int lock = take_lock(ledger, (gid_t)-1);
	struct build_walk walk = refusals_walk(ledger);
	_cleanup_build_ struct build last = BUILD_INIT;
	git_oid commit;
	int found;

	if (lock < 0)
		return -1;
	found = builds_next(&last, &walk);
	if (found < 0)
		return -1;
	if (found && is_same(last.agent, call->agent) &&
		is_same(last.command, call->command) &&
		is_same(last.refused, call->refused))
		return 0;
	return write_commit(ledger, call, found ? &last.commit : NULL, &commit) < 0
		       ? -1
		       : set_reference(ledger, REF_REFUSED, &commit);
}

int ledger_point(struct ledger *ledger, const char *reference, const git_oid *id)
{
	_cleanup_unlock_ int lock = take_lock(ledger, (gid_t)-1);

	return lock < 0 ? -1 : set_reference(ledger, reference, id);
}

int ledger_join(struct ledger *ledger, const char *target, const char *agent,
	const git_oid *commit)
{
	_cleanup_free_ char *reference = ref_of_agent(target, agent);

	return ledger_point(ledger, reference, commit);
}
