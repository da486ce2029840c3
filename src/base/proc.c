#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/strbuf.h"
#include "base/text.h"

/* The first pid namespace's inode (PROC_PID_INIT_INO in the kernel's proc_ns.h). */
#define FIRST_PID_NAMESPACE "pid:[4026531836]"

/* An environment is at most a quarter of the stack limit; this is ample and bounded. */
#define ENVIRONMENT_MAX ((size_t)4 << 20)

/* Nobody nests deeper. */
#define ANCESTORS_MAX 64

static int read_proc(pid_t pid, const char *what, size_t max, char **ret, size_t *ret_len)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/%s", (int)pid, what);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -1 : read_to_end(fd, max, ret, ret_len);
}

bool process_read(struct process *ret, pid_t pid)
{
	_cleanup_free_ char *text = NULL;
	const char *open_paren, *close_paren;
	int parent, session;
	char state;

	if (read_proc(pid, "stat", 4096, &text, NULL) < 0)
		return false;
	/* comm may itself contain blanks and parentheses: it ends at the last one. */
	open_paren = strchr(text, '(');
	close_paren = strrchr(text, ')');
	if (!open_paren || !close_paren || close_paren < open_paren)
		return false;
	*ret = (struct process){.pid = pid};
	snprintf(ret->comm, sizeof(ret->comm), "%.*s",
		(int)(close_paren - open_paren - 1), open_paren + 1);
	if (sscanf(close_paren + 1,
		    " %c %d %*d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
		    "%*d "
		    "%*d %llu",
		    &state, &parent, &session, &ret->start_ticks) != 4)
		return false;
	ret->is_dead = state == 'Z';
	ret->parent = parent;
	ret->session = session;
	return true;
}

uid_t process_login_uid(void)
{
	_cleanup_free_ char *text = NULL;
	uint64_t uid;

	if (read_proc(getpid(), "loginuid", 64, &text, NULL) < 0 ||
		!text_to_number(text, UINT32_MAX - 1, &uid))
		return 0;
	return (uid_t)uid;
}

bool process_has_ended(pid_t pid, unsigned long long start_ticks)
{
	struct process process;

	if (kill(pid, 0) < 0 && errno == ESRCH)
		return true;
	errno = 0;
	if (process_read(&process, pid))
		return process.is_dead || process.start_ticks != start_ticks;
	return errno == ENOENT || errno == ESRCH;
}

bool process_climb(struct process *process)
{
	const unsigned climbed = process->climbed + 1;

	if (process->parent <= 1 || climbed > ANCESTORS_MAX ||
		!process_read(process, process->parent))
		return false;
	process->climbed = climbed;
	return true;
}

static bool descends_from(pid_t pid, pid_t top)
{
	struct process process;

	if (!process_read(&process, pid))
		return false;
	while (process_climb(&process))
		if (process.pid == top)
			return true;
	return false;
}

bool process_is_ancestor(pid_t pid)
{
	return descends_from(getpid(), pid);
}

void process_signal_tree(pid_t top, int signal)
{
	_cleanup_closedir_ DIR *directory = opendir("/proc");
	_cleanup_free_ pid_t *pids = NULL;
	const struct dirent *found;
	size_t len = 0;

	while (directory && (found = readdir(directory))) {
		const pid_t pid = (pid_t)strtol(found->d_name, NULL, 10);

		if (pid > 0 && pid != top && descends_from(pid, top))
			*list_add(pids, len) = pid;
	}
	/* Collected first: a process whose parent died no longer descends from top. */
	kill(top, signal);
	for (size_t i = 0; i < len; i++)
		kill(pids[i], signal);
}

time_t process_start_time(const struct process *process)
{
	const int64_t per_second = sysconf(_SC_CLK_TCK);
	/* In a time namespace that began after the process its start is negative, and
	 * wraps (time_namespaces(7)). */
	const int64_t started_ms =
		(int64_t)process->start_ticks >= 0 &&
				process->start_ticks < INT64_MAX / 1000
			? (int64_t)process->start_ticks * 1000 / per_second
			: 0;
	const int64_t now_ms = clock_ns(CLOCK_REALTIME) / 1000000;

	return (time_t)((now_ms - clock_boot_ms() + started_ms) / 1000);
}

/* nixpkgs' wrapProgram renames a program to .NAME-wrapped; comm keeps 15 bytes of that.
 */
static bool is_name(const char *path, const char *name)
{
	const char *base = basename(path);
	size_t len = strlen(name);

	if (*base == '.')
		base++;
	if (strncmp(base, name, len) != 0)
		return false;
	return base[len] == '\0' || starts_with("-wrapped", base + len) ||
	       streq(base + len, ".js") || streq(base + len, ".py");
}

bool process_is_named(const struct process *process, const char *name)
{
	_cleanup_free_ char *arguments = NULL;
	const char *at;
	size_t len;

	if (is_name(process->comm, name))
		return true;
	if (read_proc(process->pid, "cmdline", ENVIRONMENT_MAX, &arguments, &len) < 0 ||
		!len)
		return false;
	if (is_name(arguments, name))
		return true;
	at = arguments + strlen(arguments) + 1;
	return at < arguments + len && strchr(at, '/') && is_name(at, name);
}

bool process_read_environment(struct process_environment *ret, pid_t pid)
{
	*ret = (struct process_environment){0};
	return read_proc(pid, "environ", ENVIRONMENT_MAX, &ret->block, &ret->len) == 0;
}

const char *process_variable(
	const struct process_environment *environment, const char *name)
{
	const char *at = environment->block, *end = at + environment->len;
	size_t name_len = strlen(name);

	for (; at && at < end; at += strlen(at) + 1)
		if (strncmp(at, name, name_len) == 0 && at[name_len] == '=')
			return at + name_len + 1;
	return NULL;
}

void process_environment_free(struct process_environment *environment)
{
	if (environment->block)
		explicit_bzero(environment->block, environment->len);
	free(environment->block);
	*environment = (struct process_environment){0};
}

int process_open(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

/*
 * A line of /proc/locks, or of fdinfo behind its "lock:": "1: FLOCK  ADVISORY  WRITE 4711
 * fd:00:1234 0 EOF", device numbers in hexadecimal. Returns the pid that took the lock, 0
 * where the line is about another file or only waits ("->").
 */
static pid_t line_pid(const char *line, const struct stat *file)
{
	unsigned major_number, minor_number;
	unsigned long inode;
	int pid;

	if (sscanf(line, " %*d: FLOCK %*s WRITE %d %x:%x:%lu", &pid, &major_number,
		    &minor_number, &inode) != 4)
		return 0;
	if (inode != file->st_ino || major(file->st_dev) != major_number ||
		minor(file->st_dev) != minor_number)
		return 0;
	return pid ? pid : -1;
}

pid_t proc_locks_holder(const struct stat *file)
{
	_cleanup_fclose_ FILE *locks = fopen("/proc/locks", "re");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	pid_t holder = 0;

	while (locks && !holder && getline(&line, &size, locks) > 0)
		holder = line_pid(line, file);
	return holder;
}

bool proc_locks_are_complete(void)
{
	_cleanup_free_ char *namespace = read_link_at(AT_FDCWD, "/proc/self/ns/pid");

	return namespace && streq(namespace, FIRST_PID_NAMESPACE);
}

bool proc_has_locked(pid_t pid, const struct stat *file)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/fdinfo", (int)pid);
	_cleanup_closedir_ DIR *directory = opendir(path);
	const struct dirent *found;

	while (directory && (found = readdir(directory))) {
		_cleanup_close_ int fd =
			openat(dirfd(directory), found->d_name, O_RDONLY | O_CLOEXEC);
		_cleanup_free_ char *text = NULL;
		const char *line;

		if (*found->d_name == '.' || fd < 0 ||
			read_to_end(fd, 65536, &text, NULL) < 0)
			continue;
		for (line = text; (line = strstr(line, "lock:")); line++)
			if (line_pid(line + strlen("lock:"), file))
				return true;
	}
	return false;
}
