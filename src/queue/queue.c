#include "queue/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "queue/target.h"

char *queue_directory(const struct settings *settings, const char *target)
{
	_cleanup_free_ char *directory = target_directory(settings, target);

	return xasprintf("%s/queue", directory);
}

/* As tmpfiles.d would make them; root's first call does it where nobody has. */
static int make_directories_of(const struct settings *settings, const char *target)
{
	_cleanup_free_ char *directory = target_directory(settings, target);
	_cleanup_free_ char *queue = queue_directory(settings, target);
	_cleanup_free_ char *targets = xasprintf("%s/targets", settings->run_path);
	gid_t group;

	if (access(queue, F_OK) == 0)
		return 0;
	group = geteuid() == 0 ? settings_group(settings) : (gid_t)-1;
	if (geteuid() == 0 && (make_directories(settings->run_path, 0755) < 0 ||
				      make_shared_directory(targets, 02770, group) < 0))
		return -1;
	if (!streq(target, "system") &&
		make_shared_directory(directory, 02770, group) < 0)
		return -1;
	return make_shared_directory(queue, 02770, group);
}

static int refuse_permission(const struct settings *settings)
{
	const int reason = errno;
	const struct group *group = getgrgid(settings_group(settings));

	errno = reason;
	if (reason == EROFS) {
		error_errno("cannot queue in '%s' (in a sandbox? run this outside of it)",
			settings->run_path);
		return EXIT_NO_PERMISSION;
	}
	if (reason != EACCES && reason != EPERM && reason != ENOENT) {
		error_errno("cannot queue in '%s'", settings->run_path);
		return EXIT_OWN_FAILURE;
	}
	error("no permission to queue in '%s': use sudo, or become a member of group '%s' "
	      "([access] group)",
		settings->run_path, group ? group->gr_name : "root");
	return EXIT_NO_PERMISSION;
}

static void say_who_holds(const char *queue)
{
	struct record *tickets;
	size_t len;

	if (tickets_read(&tickets, &len, queue) < 0)
		return;
	for (size_t i = 0; i < len; i++) {
		const char *agent = record_get(&tickets[i], "Agent");
		const char *command = record_get(&tickets[i], "Command");
		time_t started = record_get_time(&tickets[i], "Started");
		_cleanup_free_ char *age = clock_duration(time(NULL) - started);

		if (!started || !record_get(&tickets[i], "Build"))
			continue;
		say("waiting for build %s by %s (%s), running for %s",
			record_get(&tickets[i], "Build"), agent ? agent : "?",
			command ? command : "?", age);
		tickets_free(tickets, len);
		return;
	}
	tickets_free(tickets, len);
	say("waiting for the lock");
}

/* Whether path still names the file that fd has open. */
static bool is_current(int fd, const char *path)
{
	struct stat opened, named;

	return fstat(fd, &opened) == 0 && stat(path, &named) == 0 &&
	       opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

static int take_lock(const char *directory, const char *queue, gid_t group)
{
	_cleanup_free_ char *path = xasprintf("%s/lock", directory);

	for (;;) {
		_cleanup_close_ int fd = open_shared_file(AT_FDCWD, path, 0660, group);
		int result;

		if (fd < 0)
			return -1;
		result = flock(fd, LOCK_EX | LOCK_NB);
		if (result < 0 && errno == EWOULDBLOCK) {
			say_who_holds(queue);
			do
				result = flock(fd, LOCK_EX);
			while (result < 0 && errno == EINTR);
		}
		if (result < 0)
			return -1;
		if (is_current(fd, path))
			return TAKE_FD(fd);
	}
}

int queue_enter(struct turn *ret, const struct settings *settings, const char *target,
	const struct record *record)
{
	_cleanup_free_ char *directory = target_directory(settings, target);
	_cleanup_free_ char *queue = queue_directory(settings, target);

	*ret = (struct turn)TURN_NONE;
	if (make_directories_of(settings, target) < 0 ||
		ticket_new(&ret->ticket, queue, record) < 0)
		return refuse_permission(settings);
	ret->lock_fd = take_lock(
		directory, queue, geteuid() == 0 ? settings_group(settings) : (gid_t)-1);
	if (ret->lock_fd >= 0)
		return 0;
	ticket_remove(&ret->ticket);
	return refuse_permission(settings);
}

void queue_enter_beside(struct turn *ret, const struct settings *settings,
	const char *target, const struct record *record)
{
	_cleanup_free_ char *queue = queue_directory(settings, target);

	*ret = (struct turn)TURN_NONE;
	if (make_directories_of(settings, target) == 0)
		(void)!ticket_new(&ret->ticket, queue, record);
}

void queue_close(struct turn *turn)
{
	ticket_close(&turn->ticket);
	if (turn->lock_fd >= 0)
		close(turn->lock_fd);
	turn->lock_fd = -1;
}

void queue_leave(struct turn *turn)
{
	ticket_remove(&turn->ticket);
	queue_close(turn);
}
