/*
 * tracer RESULT NAME kill|ERRNO N SYSCALL|all -- COMMAND ...: runs the command and lets
 * the N-th such system call (from 1) of its processes that execute a file called NAME
 * fail with that errno, or kills the process that makes it. RESULT gets "status S" of the
 * command, "hit PID SYSCALL" and "died PID SIGNAL" of each process that a signal ended.
 * Returns when the last such process has ended; other programs are let go when they are
 * executed.
 *
 * ptrace(2), PTRACE_SEIZE; a call is made to fail by giving it a number that there is not
 * and replacing the ENOSYS that comes of it.
 */
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRACEES_MAX 512

#define CALL(name)                \
	{                         \
#name, SYS_##name \
	}
static const struct {
	const char *name;
	long number;
} calls[] = {
	CALL(openat),
	CALL(openat2),
	CALL(read),
	CALL(pread64),
	CALL(write),
	CALL(pwrite64),
	CALL(fsync),
	CALL(fdatasync),
	CALL(renameat),
	CALL(renameat2),
	CALL(linkat),
	CALL(unlinkat),
	CALL(mkdirat),
	CALL(symlinkat),
	CALL(flock),
	CALL(ftruncate),
	CALL(fchmod),
	CALL(fchown),
	CALL(fchmodat),
	CALL(fchownat),
	CALL(newfstatat),
	CALL(fstat),
	CALL(faccessat),
	CALL(faccessat2),
	CALL(readlinkat),
	CALL(getdents64),
	CALL(mmap),
	CALL(clone),
	CALL(execve),
	CALL(pipe2),
	CALL(socketpair),
	CALL(sendmsg),
	CALL(recvmsg),
	CALL(ppoll),
	CALL(signalfd4),
	CALL(pidfd_open),
	CALL(pidfd_send_signal),
	CALL(wait4),
	CALL(waitid),
	CALL(kill),
	CALL(setpgid),
	CALL(setsid),
	CALL(memfd_create),
	CALL(inotify_init1),
	CALL(inotify_add_watch),
	CALL(timerfd_create),
	CALL(timerfd_settime),
	CALL(dup3),
	CALL(fcntl),
	CALL(chdir),
	CALL(fchdir),
	CALL(statfs),
	CALL(setresuid),
	CALL(setresgid),
	CALL(setgroups),
	CALL(lseek),
	CALL(utimensat),
	CALL(prctl),
#ifdef __x86_64__
	CALL(open),
	CALL(rename),
	CALL(link),
	CALL(unlink),
	CALL(mkdir),
	CALL(rmdir),
	CALL(symlink),
	CALL(chmod),
	CALL(chown),
	CALL(lstat),
	CALL(stat),
	CALL(access),
	CALL(readlink),
	CALL(fork),
	CALL(vfork),
	CALL(poll),
	CALL(dup2),
	CALL(pipe),
#endif
};

static const struct {
	const char *name;
	int number;
} errors[] = {{"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EMFILE", EMFILE}, {"ENOMEM", ENOMEM},
	{"EACCES", EACCES}, {"EPERM", EPERM}, {"EINTR", EINTR}, {"EAGAIN", EAGAIN},
	{"ENOLCK", ENOLCK}, {"ENOSYS", ENOSYS}, {"EROFS", EROFS}, {"ENOBUFS", ENOBUFS},
	{"EDQUOT", EDQUOT}, {"EXDEV", EXDEV}, {"ENFILE", ENFILE}};

struct tracee {
	pid_t pid;
	bool is_ours; /* executes what is called NAME */
	bool fails;   /* the call that it is in */
};

static struct tracee tracees[TRACEES_MAX];
static size_t tracees_len;
static const char *our_name;
static FILE *result;

static void *get(pid_t pid)
{
	for (size_t i = 0; i < tracees_len; i++)
		if (tracees[i].pid == pid)
			return &tracees[i];
	if (tracees_len == TRACEES_MAX)
		abort();
	tracees[tracees_len] = (struct tracee){.pid = pid};
	return &tracees[tracees_len++];
}

static void forget(pid_t pid)
{
	for (size_t i = 0; i < tracees_len; i++)
		if (tracees[i].pid == pid)
			tracees[i] = tracees[--tracees_len];
}

static bool executes_ours(pid_t pid)
{
	char link[64], path[4096];
	ssize_t len;
	const char *base;

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
	len = readlink(link, path, sizeof(path) - 1);
	if (len < 0)
		return false;
	path[len] = '\0';
	base = strrchr(path, '/');
	return base && strcmp(base + 1, our_name) == 0;
}

static void set_number(pid_t pid, long number)
{
#ifdef __x86_64__
	struct user_regs_struct registers;

	ptrace(PTRACE_GETREGS, pid, 0, &registers);
	registers.orig_rax = (unsigned long long)number;
	ptrace(PTRACE_SETREGS, pid, 0, &registers);
#else
	int value = (int)number;
	struct iovec vector = {&value, sizeof(value)};

	ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &vector);
#endif
}

static void set_return(pid_t pid, int error)
{
#ifdef __x86_64__
	struct user_regs_struct registers;

	ptrace(PTRACE_GETREGS, pid, 0, &registers);
	registers.rax = (unsigned long long)-error;
	ptrace(PTRACE_SETREGS, pid, 0, &registers);
#else
	struct user_regs_struct registers;
	struct iovec vector = {&registers, sizeof(registers)};

	ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &vector);
	registers.regs[0] = (unsigned long long)-error;
	ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &vector);
#endif
}

static const char *name_of(long number)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (calls[i].number == number)
			return calls[i].name;
	return "?";
}

/* At a call's begin or end. */
static void stop(struct tracee *tracee, long wanted, int error, long *left)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, tracee->pid, sizeof(info), &info) <= 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY && tracee->is_ours && *left > 0 &&
		(wanted < 0 || (long)info.entry.nr == wanted) && --*left == 0) {
		fprintf(result, "hit %d %s\n", (int)tracee->pid,
			name_of((long)info.entry.nr));
		fflush(result);
		if (!error) {
			kill(tracee->pid, SIGKILL);
		} else {
			set_number(tracee->pid, -1);
			tracee->fails = true;
		}
	} else if (info.op == PTRACE_SYSCALL_INFO_EXIT && tracee->fails) {
		set_return(tracee->pid, error);
		tracee->fails = false;
	}
}

/* Returns whether it is still traced. */
static bool handle_stop(
	struct tracee *tracee, int status, long wanted, int error, long *left)
{
	const int signal = WSTOPSIG(status), event = status >> 16;
	unsigned long message;
	int deliver = 0;

	if (signal == (SIGTRAP | 0x80)) {
		stop(tracee, wanted, error, left);
	} else if (event == PTRACE_EVENT_EXEC) {
		tracee->is_ours = executes_ours(tracee->pid);
		if (!tracee->is_ours) {
			ptrace(PTRACE_DETACH, tracee->pid, 0, 0);
			return false;
		}
	} else if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
		   event == PTRACE_EVENT_CLONE) {
		ptrace(PTRACE_GETEVENTMSG, tracee->pid, 0, &message);
		((struct tracee *)get((pid_t)message))->is_ours = tracee->is_ours;
	} else if (event == PTRACE_EVENT_STOP) {
		if (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN ||
			signal == SIGTTOU) {
			ptrace(PTRACE_LISTEN, tracee->pid, 0, 0);
			return true;
		}
	} else {
		deliver = signal;
	}
	ptrace(PTRACE_SYSCALL, tracee->pid, 0, deliver);
	return true;
}

int main(int argc, char **argv)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK |
			     PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
			     PTRACE_O_TRACEEXEC;
	long wanted = -1, left;
	int error = 0, status;
	pid_t first, pid;

	if (argc < 8)
		return 2;
	result = fopen(argv[1], "w");
	our_name = argv[2];
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (strcmp(errors[i].name, argv[3]) == 0)
			error = errors[i].number;
	left = atol(argv[4]);
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (strcmp(calls[i].name, argv[5]) == 0)
			wanted = calls[i].number;
	if (!result || (!error && strcmp(argv[3], "kill") != 0) ||
		(wanted < 0 && strcmp(argv[5], "all") != 0))
		return 2;
	first = fork();
	if (first == 0) {
		raise(SIGSTOP);
		execvp(argv[7], argv + 7);
		_exit(127);
	}
	waitpid(first, &status, WUNTRACED);
	if (ptrace(PTRACE_SEIZE, first, 0, options) < 0) {
		perror("tracer");
		kill(first, SIGKILL);
		return 2;
	}
	get(first);
	kill(first, SIGCONT);
	while (tracees_len && (pid = waitpid(-1, &status, __WALL)) > 0) {
		if (WIFSTOPPED(status)) {
			if (!handle_stop(get(pid), status, wanted, error, &left))
				forget(pid);
			continue;
		}
		if (WIFSIGNALED(status))
			fprintf(result, "died %d %d\n", (int)pid, WTERMSIG(status));
		if (pid == first)
			fprintf(result, "status %d\n",
				WIFSIGNALED(status) ? 128 + WTERMSIG(status)
						    : WEXITSTATUS(status));
		forget(pid);
	}
	/* One that is no longer traced may be the command itself. */
	fclose(result);
	return 0;
}
