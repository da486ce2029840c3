#include "ledger/leftovers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/strv.h"

/* References are nested no deeper: refs/agents/TARGET/NAME. */
#define DEPTH_MAX 8
#define MOMENT_MS 50
#define OLD_SECONDS 3600
/* libgit2 reads a reference whole. */
#define REFERENCE_MAX 4096
#define ALTERNATES "objects/info/alternates"

/* Below these anybody in the group may make files. */
static const char *const shared[] = {"refs", "objects/info", "objects/pack"};
static const char *const single[] = {"config", "HEAD", "packed-refs"};

typedef void file_found(struct strv *found, const char *path, const struct stat *status);

static void list_files(const struct ledger *ledger, const char *path, unsigned depth,
	file_found *is_found, struct strv *found)
{
	_cleanup_free_ char *whole = xasprintf("%s/%s", ledger->path, path);
	_cleanup_closedir_ DIR *directory = NULL;
	const int fd = open(whole, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	const struct dirent *entry;

	directory = fd < 0 ? NULL : fdopendir(fd);
	while (directory && (entry = readdir(directory))) {
		_cleanup_free_ char *below = xasprintf("%s/%s", path, entry->d_name);
		struct stat status;

		if (fstatat(dirfd(directory), entry->d_name, &status,
			    AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (!S_ISDIR(status.st_mode))
			is_found(found, below, &status);
		else if (*entry->d_name != '.' && depth < DEPTH_MAX)
			list_files(ledger, below, depth + 1, is_found, found);
	}
}

static void note_trap(struct strv *found, const char *path, const struct stat *status)
{
	if (!S_ISREG(status->st_mode) || streq(path, ALTERNATES) ||
		(starts_with(path, "refs/") && status->st_size > REFERENCE_MAX))
		strv_add(found, path);
}

static void note_lock(struct strv *found, const char *path, const struct stat *status)
{
	if (S_ISREG(status->st_mode) && ends_with(path, ".lock"))
		strv_add(found, path);
}

static void note_unfinished(
	struct strv *found, const char *path, const struct stat *status)
{
	if (S_ISREG(status->st_mode) && starts_with(strrchr(path, '/'), "/tmp_"))
		strv_add(found, path);
}

static int remove_trap(const struct ledger *ledger, const char *path)
{
	_cleanup_free_ char *whole = xasprintf("%s/%s", ledger->path, path);

	if (remove(whole) < 0 && errno != ENOENT)
		return error_errno("'%s' is a trap for git", whole);
	warn("removed '%s' from the ledger: it was no file that belongs there", path);
	return 0;
}

int ledger_remove_traps(const struct ledger *ledger)
{
	_cleanup_strv_ struct strv found = {0};

	for (size_t i = 0; i < ARRAY_LEN(single); i++) {
		_cleanup_free_ char *whole = xasprintf("%s/%s", ledger->path, single[i]);
		struct stat status;

		if (lstat(whole, &status) == 0 && !S_ISREG(status.st_mode))
			strv_add(&found, single[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(shared); i++)
		list_files(ledger, shared[i], 0, note_trap, &found);
	for (size_t i = 0; i < found.len; i++)
		if (remove_trap(ledger, found.words[i]) < 0)
			return -1;
	return 0;
}

void ledger_remove_locks(const struct ledger *ledger, int64_t since_ns)
{
	const int64_t now = clock_ns(CLOCK_REALTIME);
	_cleanup_strv_ struct strv found = {0};

	list_files(ledger, "refs", 0, note_lock, &found);
	strv_add(&found, "packed-refs.lock");
	clock_sleep_ms(MOMENT_MS);
	for (size_t i = 0; i < found.len; i++) {
		_cleanup_free_ char *whole =
			xasprintf("%s/%s", ledger->path, found.words[i]);
		struct stat status;

		if (lstat(whole, &status) == 0 &&
			clock_nanoseconds(&status.st_ctim) >= since_ns &&
			clock_nanoseconds(&status.st_ctim) <= now)
			unlink(whole);
	}
}

void ledger_remove_unfinished_objects(const struct ledger *ledger)
{
	_cleanup_strv_ struct strv found = {0};

	list_files(ledger, "objects", 0, note_unfinished, &found);
	for (size_t i = 0; i < found.len; i++) {
		_cleanup_free_ char *whole =
			xasprintf("%s/%s", ledger->path, found.words[i]);
		struct stat status;

		if (lstat(whole, &status) == 0 &&
			time(NULL) - status.st_ctime > OLD_SECONDS)
			unlink(whole);
	}
}
