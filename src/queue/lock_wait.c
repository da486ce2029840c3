#include "queue/lock_wait.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/signalfd.h>

#include "base/child.h"
#include "base/clock.h"

struct sleeper {
	int fd, operation;
	int done_fd; /* closed when it wakes: unlike a write, that cannot fail */
	atomic_bool called_off;
	int result; /* of flock: 0 or errno */
};

static void interrupt(int signal)
{
	(void)signal;
}

static void *sleep_on_lock(void *argument)
{
	struct sleeper *sleeper = argument;

	do
		sleeper->result = flock(sleeper->fd, sleeper->operation) < 0 ? errno : 0;
	while (sleeper->result == EINTR && !sleeper->called_off);
	close(sleeper->done_fd);
	return NULL;
}

/*
 * A signal that comes just before flock(2) goes to sleep is lost, so we send it until the
 * thread has ended.
 */
static void call_off(pthread_t thread, struct sleeper *sleeper)
{
	sleeper->called_off = true;
	while (pthread_kill(thread, SIGRTMIN), pthread_tryjoin_np(thread, NULL) != 0)
		clock_sleep_ms(1);
}

static int watch_signals(sigset_t *ret_mask)
{
	static const int watched[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, 0};
	const struct sigaction action = {.sa_handler = interrupt};

	sigaction(SIGRTMIN, &action, NULL);
	return signals_watch(watched, ret_mask);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Until the sleeper wakes, a signal comes or the time is over. */
static enum lock_wait_result watch(struct lock_wait *wait, int signals, int done)
{
	int64_t next_tick = wait->tick ? clock_boot_ms() : FOREVER_MS;

	for (;;) {
		struct pollfd fds[] = {{.fd = done, .events = POLLIN},
			{.fd = signals, .events = POLLIN},
			{.fd = wait->event_fd, .events = POLLIN}};
		struct signalfd_siginfo info;
		int64_t now = clock_boot_ms(), until;

		if (now >= wait->deadline_ms)
			return LOCK_WAIT_TIMEOUT;
		if (now >= next_tick)
			next_tick = now + wait->tick(wait->data);
		until = earlier(next_tick, wait->deadline_ms);
		if (poll(fds, ARRAY_LEN(fds),
			    until == FOREVER_MS
				    ? -1
				    : (int)earlier(until - now, INT32_MAX)) < 0)
			continue;
		if (fds[0].revents)
			return LOCK_WAIT_GOT;
		if (fds[2].revents)
			return LOCK_WAIT_EVENT;
		if (!fds[1].revents || read(signals, &info, sizeof(info)) != sizeof(info))
			continue;
		wait->signal = (int)info.ssi_signo;
		return info.ssi_signo == SIGTSTP ? LOCK_WAIT_STOP : LOCK_WAIT_SIGNAL;
	}
}

enum lock_wait_result lock_wait(struct lock_wait *wait, int fd, int operation)
{
	sigset_t mask;
	_cleanup_close_ int signals = watch_signals(&mask);
	_cleanup_close_ int done = -1;
	struct sleeper sleeper = {.fd = fd, .operation = operation};
	enum lock_wait_result result;
	pthread_t thread;
	int fds[2];

	if (signals < 0 || pipe2(fds, O_CLOEXEC) < 0)
		return LOCK_WAIT_FAILED;
	done = fds[0];
	sleeper.done_fd = fds[1];
	errno = pthread_create(&thread, NULL, sleep_on_lock, &sleeper);
	if (errno) {
		close(sleeper.done_fd);
		return LOCK_WAIT_FAILED;
	}
	result = watch(wait, signals, done);
	if (result == LOCK_WAIT_GOT)
		pthread_join(thread, NULL);
	else
		call_off(thread, &sleeper);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	if (result == LOCK_WAIT_GOT && sleeper.result) {
		errno = sleeper.result;
		return LOCK_WAIT_FAILED;
	}
	/* It may have got the lock while it was called off: release it. */
	if (result != LOCK_WAIT_GOT && sleeper.result == 0)
		flock(fd, LOCK_UN);
	return result;
}

enum lock_wait_result lock_wait_for_fd(struct lock_wait *wait, int fd)
{
	sigset_t mask;
	_cleanup_close_ int signals = watch_signals(&mask);
	enum lock_wait_result result =
		signals < 0 ? LOCK_WAIT_FAILED : watch(wait, signals, fd);

	sigprocmask(SIG_SETMASK, &mask, NULL);
	return result;
}
