#include "snapshot/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"

/* Far above any honest answer. */
#define ANSWER_MAX ((size_t)4 << 20)

/*
 * An empty line ends the answer, so that nobody waits while the kernel takes a large
 * worker apart. A record has none.
 */
#define ANSWER_END "\n"

/* Who started the worker may say its words in another way than on stderr. */
static void keep_words(const char *line, size_t len, void *data)
{
	fwrite(line, 1, len, data);
}

static _noreturn_ void work(
	int answer_fd, pid_t parent, worker_function *function, void *argument)
{
	_cleanup_record_ struct record answer = {0};
	_cleanup_fclose_ FILE *out = NULL;
	char *words = NULL;
	size_t words_len;
	FILE *said;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_OWN_FAILURE);
	if (dup2(answer_fd, STDERR_FILENO + 1) < 0)
		_exit(EXIT_OWN_FAILURE);
	close_range(STDERR_FILENO + 2, ~0U, 0);
	fcntl(STDERR_FILENO + 1, F_SETFD, FD_CLOEXEC);
	out = fdopen(STDERR_FILENO + 1, "we");
	said = text_stream(&words, &words_len);
	message_redirect(keep_words, said);
	if (!out)
		_exit(EXIT_OWN_FAILURE);
	if (function(&answer, argument) < 0)
		record_set(&answer, "Failed", "yes");
	fclose(said);
	record_set(&answer, "Said", words);
	record_print(&answer, out);
	fputs(ANSWER_END, out);
	_exit(fflush(out) == 0 ? 0 : EXIT_OWN_FAILURE);
}

static bool is_complete(const char *text, size_t len)
{
	return (len == 1 && *text == '\n') ||
	       (len > 1 && text[len - 1] == '\n' && text[len - 2] == '\n');
}

/*
 * Reads the answer, or what there is of it when the worker has closed its end; -1 with
 * ETIMEDOUT when the deadline has passed.
 */
static int read_answer(int fd, int64_t deadline_ms, char **ret, size_t *ret_len)
{
	const int64_t end = clock_boot_ms() + deadline_ms;
	_cleanup_free_ char *text = NULL;
	size_t len = 0;

	for (;;) {
		struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
		int64_t left = end - clock_boot_ms();
		ssize_t got;
		int ready;

		if (left <= 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		ready = poll(&poll_fd, 1, (int)left);
		if (ready <= 0)
			continue;
		text = xreallocarray(text, len + 4097, 1);
		got = read(fd, text + len, 4096);
		if (got < 0 && errno != EINTR)
			return -1;
		if (got == 0)
			break;
		len += got > 0 ? (size_t)got : 0;
		if (is_complete(text, len))
			break;
		if (len > ANSWER_MAX) {
			errno = EFBIG;
			return -1;
		}
	}
	*ret = TAKE_PTR(text);
	*ret_len = len;
	return 0;
}

static int reap(pid_t pid, const char *what)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_errno("%s", what);
	if (WIFSIGNALED(status))
		return error("%s: the worker died of signal %d", what, WTERMSIG(status));
	return WEXITSTATUS(status) == 0 ? 0 : -1;
}

int worker_run(struct record *ret, const char *what, worker_function *function,
	void *argument, int64_t deadline_ms)
{
	_cleanup_close_ int read_fd = -1, write_fd = -1;
	_cleanup_free_ char *text = NULL;
	const pid_t parent = getpid();
	int fds[2], result;
	size_t len = 0;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_errno("%s", what);
	read_fd = fds[0];
	write_fd = fds[1];
	pid = fork();
	if (pid < 0)
		return error_errno("%s", what);
	if (pid == 0)
		work(write_fd, parent, function, argument);
	close(TAKE_FD(write_fd));
	result = read_answer(read_fd, deadline_ms, &text, &len);
	if (result < 0) {
		if (errno == ETIMEDOUT)
			error("%s: it took longer than %" PRId64 " s", what,
				deadline_ms / 1000);
		else
			error_errno("%s", what);
		kill(pid, SIGKILL);
		/* One that is stuck in the kernel cannot be waited for. */
		waitpid(pid, NULL, WNOHANG);
		return -1;
	}
	if (is_complete(text, len))
		waitpid(pid, NULL, WNOHANG); /* else it is reaped when we end, too */
	else if (reap(pid, what) < 0)
		return -1;
	record_parse(ret, text ? text : "", len);
	if (record_get(ret, "Said"))
		message_pass_on(record_get(ret, "Said"));
	return record_get(ret, "Failed") ? -1 : 0;
}
