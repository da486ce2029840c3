#include "ledger/leftovers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/strv.h"
#include "base/text.h"

#define DEPTH_MAX 8
#define MOMENT_MS 50
#define OLD_SECONDS 3600
/* No reference is larger, and libgit2 would read all of it. */
#define REFERENCE_MAX 4096
/* How many of the removed files a message names. */
#define NAMED_MAX 3
#define ALTERNATES "objects/info/alternates"

/* Below these, members of the group may have made files. */
static const char *const shared[] = {"refs", "objects/info", "objects/pack"};
static const char *const single[] = {"config", "HEAD", "packed-refs"};

typedef bool file_test(
	const struct ledger *ledger, const char *path, const struct stat *status);

/*
 * Whether a directory is in the way of a reference of ours (refs/running/N,
 * refs/bridges/ID, refs/agents/TARGET/NAME), or is hidden or so deep that only git would
 * look into it.
 */
static bool is_misplaced(const char *path, unsigned depth)
{
	const char *name = basename(path);

	if (!starts_with(path, "refs/"))
		return false;
	return *name == '.' || depth == DEPTH_MAX || starts_with(path, "refs/running/") ||
	       starts_with(path, "refs/bridges/") || streq(path, "refs/heads/builds") ||
	       (starts_with(path, "refs/agents/") &&
		       strchr(path + strlen("refs/agents/"), '/'));
}

static void list_files(const struct ledger *ledger, const char *path, unsigned depth,
	file_test *is_wanted, struct strv *found)
{
	_cleanup_free_ char *whole = xasprintf("%s/%s", ledger->path, path);
	_cleanup_closedir_ DIR *directory = NULL;
	const int fd = open(whole, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	const struct dirent *entry;

	directory = fd < 0 ? NULL : fdopendir(fd);
	while (directory && (entry = readdir(directory))) {
		_cleanup_free_ char *below = xasprintf("%s/%s", path, entry->d_name);
		struct stat status;

		if (is_dot(entry->d_name) || fstatat(dirfd(directory), entry->d_name,
						     &status, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISDIR(status.st_mode) && !is_misplaced(below, depth)) {
			if (depth < DEPTH_MAX)
				list_files(ledger, below, depth + 1, is_wanted, found);
		} else if (is_wanted(ledger, below, &status)) {
			strv_add(found, below);
		}
	}
}

/* Only another user's file counts, and never root's: with ours something else is wrong,
 * and it must not be lost. */
static bool is_shut(
	const struct ledger *ledger, const char *path, const struct stat *status)
{
	_cleanup_free_ char *whole = xasprintf("%s/%s", ledger->path, path);

	return file_is_shut(whole, status);
}

/* A file in refs/running whose name is not a number as we write it. */
static bool is_misnamed(const char *path)
{
	const char *name = path + strlen("refs/running/");

	return starts_with(path, "refs/running/") &&
	       (*name < '1' || *name > '9' || name[strspn(name, "0123456789")]);
}

static bool is_trap(
	const struct ledger *ledger, const char *path, const struct stat *status)
{
	static const char *const directories[] = {
		"refs/heads", "refs/running", "refs/agents", "refs/bridges", NULL};
	const bool is_reference = starts_with(path, "refs/");

	return !S_ISREG(status->st_mode) || streq(path, ALTERNATES) ||
	       text_is_among(path, directories) ||
	       (is_reference && !ends_with(path, ".lock") && is_misnamed(path)) ||
	       (is_reference && (status->st_size > REFERENCE_MAX ||
					is_shut(ledger, path, status)));
}

/* A file where a directory of objects belongs: these have two characters. */
static bool is_no_fan_out(
	const struct ledger *ledger, const char *path, const struct stat *status)
{
	(void)ledger;
	(void)status;
	return strlen(path) == strlen("objects/xx");
}

static bool is_lock(
	const struct ledger *ledger, const char *path, const struct stat *status)
{
	(void)ledger;
	return S_ISREG(status->st_mode) && ends_with(path, ".lock");
}

static bool is_unfinished(
	const struct ledger *ledger, const char *path, const struct stat *status)
{
	(void)ledger;
	return S_ISREG(status->st_mode) && starts_with(basename(path), "tmp_") &&
	       time(NULL) - status->st_ctime > OLD_SECONDS;
}

/* Relative to top, because members can replace their directories with links any time. */
static int remove_trap(int top, const char *path, struct strv *removed)
{
	if (remove_tree(top, path) == 0)
		strv_add(removed, path);
	else if (errno != ENOENT)
		return error_errno(
			"cannot remove '%s', a trap for git, from the ledger", path);
	return 0;
}

/* One line, however many there are. */
static void say_removed(const struct strv *removed)
{
	_cleanup_strbuf_ struct strbuf names = STRBUF_INIT;

	for (size_t i = 0; i < removed->len && i < NAMED_MAX; i++)
		strbuf_printf(&names, "%s'%s'", i ? ", " : "", removed->words[i]);
	if (removed->len > NAMED_MAX)
		strbuf_printf(&names, " and %zu more", removed->len - NAMED_MAX);
	if (removed->len)
		warn("removed %s from the ledger: %s", names.text,
			removed->len == 1 ? "it does not belong there"
					  : "they do not belong there");
}

/* Only the owner of objects/ can remove these. If it fails, reading still works. */
static void clear_fan_out(const struct ledger *ledger, int top, struct strv *removed)
{
	_cleanup_strv_ struct strv found = {0};

	list_files(ledger, "objects", DEPTH_MAX, is_no_fan_out, &found);
	for (size_t i = 0; i < found.len; i++)
		if (remove_tree(top, found.words[i]) == 0)
			strv_add(removed, found.words[i]);
}

int ledger_remove_traps(const struct ledger *ledger)
{
	_cleanup_close_ int top = open(ledger->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_strv_ struct strv found = {0}, removed = {0};
	int result = 0;

	for (size_t i = 0; i < ARRAY_LEN(single); i++) {
		_cleanup_free_ char *whole = xasprintf("%s/%s", ledger->path, single[i]);
		struct stat status;

		if (lstat(whole, &status) == 0 && !S_ISREG(status.st_mode))
			strv_add(&found, single[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(shared); i++)
		list_files(ledger, shared[i], 0, is_trap, &found);
	for (size_t i = 0; i < found.len && result == 0; i++)
		result = remove_trap(top, found.words[i], &removed);
	clear_fan_out(ledger, top, &removed);
	say_removed(&removed);
	return result;
}

void ledger_remove_locks(const struct ledger *ledger, int64_t since_ns)
{
	const int64_t now = clock_ns(CLOCK_REALTIME);
	_cleanup_strv_ struct strv found = {0};

	list_files(ledger, "refs", 0, is_lock, &found);
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

	list_files(ledger, "objects", 0, is_unfinished, &found);
	for (size_t i = 0; i < found.len; i++) {
		_cleanup_free_ char *whole =
			xasprintf("%s/%s", ledger->path, found.words[i]);

		unlink(whole);
	}
}
