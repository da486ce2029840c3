#include "ledger/references.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"
#include "ledger/leftovers.h"

/* How long we try to get the ledger's lock, or git's: 10 s. */
#define PAUSE_MS 2
#define PAUSES_MAX 5000
/* git never holds a lock longer. */
#define LOCK_SECONDS 3600
/* File times come from a clock that lags by up to a tick. */
#define CLOCK_LAG_NS 20000000

char *ref_of_running(uint64_t number)
{
	return xasprintf(REF_RUNNING "%" PRIu64, number);
}

char *ref_of_agent(const char *target, const char *agent)
{
	return xasprintf(REF_AGENTS "%s/%s", target, agent);
}

void ledger_unlock(int *fd)
{
	if (*fd < 0)
		return;
	(void)!ftruncate(*fd, 0);
	close(*fd);
}

/*
 * A mark that is already there was made by a writer that was killed. Its time tells which
 * locks are that writer's, so it is renewed only after they are removed.
 */
static void mark_lock(const struct ledger *ledger, int fd)
{
	struct stat status;

	if (fstat(fd, &status) == 0 && status.st_size)
		ledger_remove_locks(
			ledger, clock_nanoseconds(&status.st_mtim) - CLOCK_LAG_NS);
	(void)!pwrite(fd, "w", 1, 0);
}

int ledger_lock(const struct ledger *ledger, gid_t group)
{
	_cleanup_close_ int fd =
		open_shared_file(AT_FDCWD, ledger->lock_path, 0660, group);

	if (fd < 0)
		return error_errno("cannot open '%s'", ledger->lock_path);
	/* A process that was stopped while it has the lock must not block rebuilds. */
	if (lock_within(fd, PAUSES_MAX * PAUSE_MS) == 0)
		return TAKE_FD(fd);
	return errno == EWOULDBLOCK ? error("another process kept '%s' locked for 10 s",
					      ledger->lock_path)
				    : error_errno("cannot lock '%s'", ledger->lock_path);
}

int ledger_lock_to_write(struct ledger *ledger)
{
	_cleanup_close_ int fd = ledger_lock(ledger, (gid_t)-1);

	if (fd < 0 || ledger_remove_traps(ledger) < 0)
		return -1;
	mark_lock(ledger, fd);
	return TAKE_FD(fd);
}

/* Made before this boot, or more than LOCK_SECONDS ago. */
static bool is_left_behind(const struct stat *lock)
{
	const time_t age = time(NULL) - lock->st_ctime;

	return age > LOCK_SECONDS || age > clock_boot_ms() / 1000;
}

/*
 * A crash can leave git's REF.lock behind, or an empty reference. No other safe-rebuild
 * is writing, because we have the ledger's lock. But git pack-refs or gc may be, and they
 * close their locks while they still need them: only an old lock is a leftover.
 */
static void clear_lock(const struct ledger *ledger, const char *name)
{
	_cleanup_free_ char *lock = xasprintf("%s/%s.lock", ledger->path, name);
	struct stat status;

	if (lstat(lock, &status) == 0 && is_left_behind(&status))
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

/* Whether to try again because another process has git's lock. libgit2 also returns
 * GIT_ELOCKED for other failures. */
static bool waits_for_git(
	const struct ledger *ledger, const char *name, int result, int *pauses)
{
	if (result != GIT_ELOCKED || ++*pauses == PAUSES_MAX ||
		(!is_locked(ledger, name) && !is_locked(ledger, "packed-refs")))
		return false;
	clock_sleep_ms(PAUSE_MS);
	return true;
}

/* Removes a reference that cannot be read: what it named is lost already. */
static bool remove_broken(const struct ledger *ledger, const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", ledger->path, name);
	struct stat status;
	git_oid id;

	return git_reference_name_to_id(&id, ledger->repository, name) < 0 &&
	       lstat(path, &status) == 0 && S_ISREG(status.st_mode) && unlink(path) == 0;
}

int reference_make(
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
	if (result < 0 && force && remove_broken(ledger, name))
		result = git_reference_create(
			&reference, ledger->repository, name, commit, true, NULL);
	return result < 0 ? git_failed("cannot write to the ledger '%s'", ledger->path)
			  : 0;
}

int reference_set(struct ledger *ledger, const char *name, const git_oid *commit)
{
	return reference_make(ledger, name, commit, true);
}

int reference_remove(struct ledger *ledger, const char *name)
{
	int result, pauses = 0;

	clear_leftovers(ledger, name);
	do
		result = git_reference_remove(ledger->repository, name);
	while (waits_for_git(ledger, name, result, &pauses));
	return result < 0 ? git_failed("cannot write to the ledger '%s'", ledger->path)
			  : 0;
}
