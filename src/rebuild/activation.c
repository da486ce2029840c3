#include "rebuild/activation.h"

#include <errno.h>
#include <fcntl.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/proc.h"
#include "base/text.h"
#include "rebuild/program.h"

#define UNIT "nixos-rebuild-switch-to-configuration"

static char *describe(const struct process *process)
{
	_cleanup_free_ char *age =
		clock_duration(time(NULL) - process_start_time(process));
	_cleanup_free_ char *name = text_clean(process->comm, strlen(process->comm));

	return xasprintf("%s (pid %d, for %s)", name, (int)process->pid, age);
}

/* "123" of /proc; 0 for other names. */
static pid_t pid_of(const char *name)
{
	uint64_t number = 0;

	text_to_number(name, INT32_MAX, &number);
	return (pid_t)number;
}

/* The process that keeps a lock whose taker is gone. */
static pid_t find_heir(const struct stat *file)
{
	_cleanup_closedir_ DIR *proc = opendir("/proc");
	const struct dirent *found;

	while (proc && (found = readdir(proc)))
		if (pid_of(found->d_name) && proc_has_locked(pid_of(found->d_name), file))
			return pid_of(found->d_name);
	return 0;
}

static void find_leak(struct activation *ret, const struct stat *file, const char *path)
{
	struct process heir;

	ret->state = ACTIVATION_LEAKED;
	ret->pid = find_heir(file);
	if (ret->pid && process_read(&heir, ret->pid)) {
		_cleanup_free_ char *words = describe(&heir);

		ret->description =
			xasprintf("%s, which an activation has left behind "
				  "and which keeps its lock '%s' until it ends",
				words, path);
	} else {
		ret->description =
			xasprintf("a process that an activation has left behind and that "
				  "keeps its lock '%s'",
				path);
	}
}

static void find_locked(struct activation *ret, const char *path)
{
	struct process holder;
	struct stat file;
	pid_t pid;

	if (stat(path, &file) < 0)
		return;
	pid = proc_locks_holder(&file);
	if (!pid) {
		if (!proc_locks_are_complete())
			ret->state = ACTIVATION_UNKNOWN;
		return;
	}
	if (pid < 0 || !process_read(&holder, pid)) {
		find_leak(ret, &file, path);
		return;
	}
	ret->state = ACTIVATION_RUNNING;
	ret->pid = pid;
	ret->description = describe(&holder);
}

static bool is_populated(int slice, const char *unit)
{
	_cleanup_free_ char *path = xasprintf("%s/cgroup.events", unit), *text = NULL;
	_cleanup_close_ int fd = openat(slice, path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && read_to_end(fd, 4096, &text, NULL) == 0 &&
	       strstr(text, "populated 1");
}

static void find_unit(struct activation *ret, const char *slice)
{
	_cleanup_closedir_ DIR *directory = opendir(slice);
	const struct dirent *found;

	while (directory && (found = readdir(directory))) {
		if (!starts_with(found->d_name, UNIT) ||
			!is_populated(dirfd(directory), found->d_name))
			continue;
		ret->state = ACTIVATION_RUNNING;
		ret->description = xasprintf("the unit %s", found->d_name);
		return;
	}
}

void activation_find(struct activation *ret, const struct settings *settings)
{
	*ret = (struct activation){.state = ACTIVATION_NONE};
	find_locked(ret, settings->activation_lock_path);
	if (ret->state != ACTIVATION_RUNNING && ret->state != ACTIVATION_LEAKED)
		find_unit(ret, settings->system_slice_path);
	if (ret->pid && process_is_ancestor(ret->pid)) {
		activation_free(ret);
		*ret = (struct activation){.state = ACTIVATION_NONE};
	}
}

void activation_free(struct activation *activation)
{
	free(activation->description);
}

/* The script's name, or the one that nixpkgs' wrapper leaves in the 15 bytes of comm. */
static bool is_rebuild(int proc, const char *pid)
{
	_cleanup_free_ char *path = xasprintf("%s/comm", pid);
	_cleanup_close_ int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	char comm[16] = "";

	return fd >= 0 && read(fd, comm, sizeof(comm) - 1) > 0 &&
	       (starts_with(comm, "nixos-rebuild") ||
		       starts_with(comm, ".nixos-rebuild"));
}

/* Whether a safe-rebuild started it, or it is one that was called by the name
 * nixos-rebuild. */
static bool is_ours(struct process process)
{
	do {
		_cleanup_free_ char *executable =
			xasprintf("/proc/%d/exe", (int)process.pid);

		if (program_is_ourselves(executable))
			return true;
	} while (process_climb(&process));
	return false;
}

/* One that is exiting has lost its memory, and with it the name of its program, a moment
 * before it is a zombie. */
static bool is_exiting(pid_t pid)
{
	_cleanup_free_ char *executable = xasprintf("/proc/%d/exe", (int)pid);
	_cleanup_free_ char *target = read_link_at(AT_FDCWD, executable);

	return !target && errno == ENOENT;
}

struct strv activation_list_rebuilds(void)
{
	_cleanup_closedir_ DIR *proc = opendir("/proc");
	const struct dirent *found;
	struct strv list = {0};

	while (proc && (found = readdir(proc))) {
		const pid_t pid = pid_of(found->d_name);
		struct process process;

		if (pid && is_rebuild(dirfd(proc), found->d_name) &&
			process_read(&process, pid) && !process.is_dead &&
			!is_exiting(pid) && !process_is_ancestor(pid) &&
			!is_ours(process))
			strv_take(&list, describe(&process));
	}
	return list;
}
