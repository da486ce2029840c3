#include "base/worker.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/rights.h"

/* After this long the user is told. */
#define NOTICE_MS 10000
/* Frames are handed over in pieces of about this size. */
#define COLLECTED ((size_t)256 << 10)
/* What a worker may allocate. */
#define MEMORY_MAX ((rlim_t)2 << 30)

enum frame_type { FRAME_SAID, FRAME_ANSWER, FRAME_FAILED };

struct frame {
	uint32_t type;
	uint32_t wants_reply;
	uint64_t len; /* of what follows */
};

struct worker {
	int fd;
	struct strbuf out;
};

static void flush(struct worker *worker)
{
	if (write_all(worker->fd, worker->out.text, worker->out.len) < 0)
		_exit(EXIT_OWN_FAILURE);
	worker->out.len = 0;
}

static void put_frame(struct worker *worker, unsigned type, bool wants_reply,
	const void *data, size_t len)
{
	const struct frame frame = {type, wants_reply, len};

	strbuf_add(&worker->out, &frame, sizeof(frame));
	strbuf_add(&worker->out, data, len);
}

void worker_send(struct worker *worker, unsigned type, const void *data, size_t len)
{
	put_frame(worker, type, false, data, len);
	if (worker->out.len >= COLLECTED)
		flush(worker);
}

/* Ends the worker on error: the rest of a reply would be taken for the next one. */
static void receive_reply(struct worker *worker, void *data, size_t len)
{
	for (size_t have = 0; have < len;) {
		const ssize_t got = read(worker->fd, (char *)data + have, len - have);

		if (got == 0 || (got < 0 && errno != EINTR))
			_exit(EXIT_OWN_FAILURE);
		have += got > 0 ? (size_t)got : 0;
	}
}

void worker_ask(struct worker *worker, unsigned type, const void *data, size_t len,
	struct strbuf *reply)
{
	uint64_t wanted;

	put_frame(worker, type, true, data, len);
	flush(worker);
	receive_reply(worker, &wanted, sizeof(wanted));
	while (wanted) {
		char part[4096];
		const size_t size = wanted < sizeof(part) ? (size_t)wanted : sizeof(part);

		receive_reply(worker, part, size);
		strbuf_add(reply, part, size);
		wanted -= size;
	}
}

/* The parent prints it, and perhaps not on stderr. */
static void pass_line_on(const char *line, size_t len, void *data)
{
	worker_send(data, FRAME_SAID, line, len);
}

/*
 * Mapped files, such as a large repository's packs, do not count: RLIMIT_AS would forbid
 * those. The address sanitizer's own memory does.
 */
static void limit_memory(void)
{
#ifndef __SANITIZE_ADDRESS__
	const struct rlimit limit = {MEMORY_MAX, MEMORY_MAX};

	(void)setrlimit(RLIMIT_DATA, &limit);
#endif
}

static int become_owner(const struct worker_job *job)
{
	if (!job->owner_of)
		return 0;
	limit_memory();
	return rights_become_owner(job->owner_of) < 0
		       ? error_errno("%s: cannot read '%s' as its owner", job->what,
				 job->owner_of)
		       : 0;
}

static _noreturn_ void be_worker(const struct worker_job *job, int fd, pid_t parent)
{
	struct worker worker = {.fd = fd, .out = STRBUF_INIT};
	struct strbuf answer = STRBUF_INIT;
	int keep[ARRAY_LEN(job->keep) + 1] = {fd};
	int result;

	for (size_t i = 0; i < ARRAY_LEN(job->keep); i++)
		keep[i + 1] = job->keep[i];
	close_all_but(keep, ARRAY_LEN(keep));
	message_redirect(pass_line_on, &worker);
	result = become_owner(job);
	/* The kernel clears this whenever ids change. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_OWN_FAILURE);
	if (result == 0)
		result = job->work(&worker, &answer, job->data);
	put_frame(&worker, result < 0 ? FRAME_FAILED : FRAME_ANSWER, false, answer.text,
		answer.len);
	flush(&worker);
	_exit(0);
}

/* In the parent. */
struct conversation {
	const struct worker_job *job;
	struct strbuf *answer;
	int fd;
	int64_t end_ms, notice_ms; /* 0: given already */
	bool answered, failed;
};

/* So that the user does not think it hangs. */
static void say_slow(struct conversation *conversation)
{
	if (!conversation->notice_ms || clock_boot_ms() < conversation->notice_ms)
		return;
	conversation->notice_ms = 0;
	say("%s is slow: it may take up to %" PRId64 " s", conversation->job->what,
		conversation->job->deadline_ms / 1000);
}

/* Until fd is ready for these events: -1 with ETIMEDOUT at the deadline. */
static int wait_for(struct conversation *conversation, short events)
{
	for (;;) {
		struct pollfd poll_fd = {.fd = conversation->fd, .events = events};
		const int64_t now = clock_boot_ms();
		int64_t left = conversation->end_ms - now;

		if (left <= 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		say_slow(conversation);
		if (conversation->notice_ms && conversation->notice_ms - now < left)
			left = conversation->notice_ms - now;
		if (poll(&poll_fd, 1, (int)left) > 0)
			return 0;
	}
}

static int send_reply(struct conversation *conversation, const struct strbuf *reply)
{
	_cleanup_strbuf_ struct strbuf whole = STRBUF_INIT;
	const uint64_t len = reply->len;

	strbuf_add(&whole, &len, sizeof(len));
	strbuf_add(&whole, reply->text, reply->len);
	for (size_t sent = 0; sent < whole.len;) {
		ssize_t now = send(conversation->fd, whole.text + sent, whole.len - sent,
			MSG_DONTWAIT | MSG_NOSIGNAL);

		if (now > 0)
			sent += (size_t)now;
		else if ((errno != EAGAIN && errno != EINTR) ||
			 wait_for(conversation, POLLOUT) < 0)
			return -1;
	}
	return 0;
}

static int take_frame(
	struct conversation *conversation, const struct frame *frame, const char *data)
{
	const struct worker_job *job = conversation->job;
	_cleanup_strbuf_ struct strbuf reply = STRBUF_INIT;
	_cleanup_free_ char *lines = NULL;

	switch (frame->type) {
	case FRAME_SAID:
		lines = xstrndup(data, frame->len);
		message_pass_on(lines);
		return 0;
	case FRAME_FAILED:
	case FRAME_ANSWER:
		strbuf_add(conversation->answer, data, frame->len);
		conversation->answered = true;
		conversation->failed = frame->type == FRAME_FAILED;
		return 0;
	}
	if (!job->receive ||
		job->receive(frame->type, data, frame->len, &reply, job->data) < 0) {
		conversation->failed = true;
		return 0;
	}
	return frame->wants_reply ? send_reply(conversation, &reply) : 0;
}

static int take_frames(struct conversation *conversation, struct strbuf *in)
{
	struct frame frame;
	size_t at = 0;

	while (!conversation->answered && !conversation->failed &&
		in->len - at >= sizeof(frame)) {
		memcpy(&frame, in->text + at, sizeof(frame));
		if (frame.len > WORKER_FRAME_MAX) {
			errno = EFBIG;
			return -1;
		}
		if (in->len - at - sizeof(frame) < frame.len)
			break;
		if (take_frame(conversation, &frame, in->text + at + sizeof(frame)) < 0)
			return -1;
		at += sizeof(frame) + frame.len;
	}
	strbuf_drop(in, at);
	return 0;
}

/* Until the worker has answered or is gone; -1 with errno set. */
static int converse(struct conversation *conversation)
{
	_cleanup_strbuf_ struct strbuf in = STRBUF_INIT;
	_cleanup_free_ char *part = xcalloc(COLLECTED, 1);

	while (!conversation->answered && !conversation->failed) {
		ssize_t got;

		if (wait_for(conversation, POLLIN) < 0)
			return -1;
		got = read(conversation->fd, part, COLLECTED);
		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0 || (got < 0 && errno == ECONNRESET))
			return 0;
		if (got < 0)
			return -1;
		strbuf_add(&in, part, (size_t)got);
		if (take_frames(conversation, &in) < 0)
			return -1;
	}
	return 0;
}

/* The worker has ended without an answer. */
static int describe_end(pid_t pid, const char *what)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_errno("%s", what);
	if (WIFSIGNALED(status))
		return error("%s: the worker died of signal %d", what, WTERMSIG(status));
	return error("%s: the worker ended without an answer", what);
}

static int give_up(pid_t pid, const struct worker_job *job)
{
	if (errno == ETIMEDOUT)
		error("%s: it took longer than %" PRId64 " s", job->what,
			job->deadline_ms / 1000);
	else
		error_errno("%s", job->what);
	rights_kill(pid, SIGKILL);
	/* One that is stuck in the kernel cannot be waited for. */
	waitpid(pid, NULL, WNOHANG);
	return -1;
}

static int talk(pid_t pid, int fd, struct strbuf *answer, const struct worker_job *job)
{
	struct conversation conversation = {
		.job = job,
		.answer = answer,
		.fd = fd,
		.end_ms = clock_boot_ms() + job->deadline_ms,
		.notice_ms = clock_boot_ms() + NOTICE_MS,
	};

	if (converse(&conversation) < 0)
		return give_up(pid, job);
	if (!conversation.answered && !conversation.failed)
		return describe_end(pid, job->what);
	/*
	 * Not waited for, because the kernel takes long to free a large worker: one
	 * that is not reaped now is reaped when we end.
	 */
	if (!conversation.answered)
		rights_kill(pid, SIGKILL);
	waitpid(pid, NULL, WNOHANG);
	return conversation.failed ? -1 : 0;
}

int worker_run(struct strbuf *answer, const struct worker_job *job)
{
	const pid_t parent = getpid();
	int fds[2], result;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return error_errno("%s", job->what);
	pid = fork();
	if (pid == 0)
		be_worker(job, fds[1], parent);
	close(fds[1]);
	result = pid < 0 ? error_errno("%s", job->what) : talk(pid, fds[0], answer, job);
	close(fds[0]);
	return result;
}
