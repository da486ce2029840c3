#include "queue/outside.h"

#include <inttypes.h>
#include <poll.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/proc.h"
#include "queue/nested.h"
#include "queue/ticket.h"
#include "rebuild/activation.h"

/* A lock can be let go, and a unit end, without a process to wait for. */
#define LOOK_AGAIN_MS 1000
#define HEARTBEAT_MS 30000

/* The process that the dead ticket names (its parent is a killed runner), as a pidfd; -1
 * where it has ended. */
static int open_orphan(const struct process_name *child)
{
	struct process process;
	_cleanup_close_ int fd = process_open(child->pid);

	/* Compared after the descriptor is open: now the pid cannot change hands. */
	if (fd < 0 || !process_read(&process, child->pid) ||
		process.start_ticks != child->start_ticks)
		return -1;
	return TAKE_FD(fd);
}

static enum lock_wait_result wait_for_orphan(
	struct outside *outside, const struct build *ticket)
{
	_cleanup_close_ int fd = open_orphan(&ticket->child);
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	if (fd < 0 || poll(&poll_fd, 1, 0) != 0)
		return LOCK_WAIT_GOT;
	set_string(&outside->what,
		ticket->number
			? xasprintf("nixos-rebuild (pid %d) of build %" PRIu64
				    ", whose runner was killed",
				  (int)ticket->child.pid, ticket->number)
			: xasprintf("nixos-rebuild (pid %d), whose runner was killed",
				  (int)ticket->child.pid));
	outside->begins(outside->data);
	say("waiting for %s", outside->what);
	return lock_wait_for_fd(outside->wait, fd);
}

static enum lock_wait_result wait_for_orphans(struct outside *outside)
{
	enum lock_wait_result result = LOCK_WAIT_GOT;
	_cleanup_builds_ struct builds dead = {0};

	if (tickets_read_dead(&dead, outside->queue) < 0)
		return LOCK_WAIT_GOT;
	for (size_t i = 0; i < dead.len && result == LOCK_WAIT_GOT; i++) {
		const struct build *ticket = &dead.list[i];
		_cleanup_free_ char *path =
			xasprintf("%s/%s", outside->queue, ticket->ticket);

		if (!ticket->child.pid)
			continue;
		if (ticket_name_queues(ticket->ticket))
			result = wait_for_orphan(outside, ticket);
		if (result == LOCK_WAIT_GOT)
			unlink(path);
	}
	return result;
}

/* Until the activation's process ends, or it is time to look again. */
static enum lock_wait_result sleep_once(
	struct lock_wait *wait, const struct activation *activation)
{
	_cleanup_close_ int fd = activation->pid > 0 ? process_open(activation->pid) : -1;
	const int64_t look_again = clock_boot_ms() + LOOK_AGAIN_MS;
	const int64_t deadline = wait->deadline_ms;
	enum lock_wait_result result;

	if (deadline > look_again)
		wait->deadline_ms = look_again;
	result = lock_wait_for_fd(wait, fd);
	wait->deadline_ms = deadline;
	return result == LOCK_WAIT_TIMEOUT && deadline > look_again ? LOCK_WAIT_GOT
								    : result;
}

static enum lock_wait_result wait_for_activation(struct outside *outside)
{
	enum lock_wait_result result = LOCK_WAIT_GOT;
	int64_t said = 0;

	while (result == LOCK_WAIT_GOT) {
		_cleanup_activation_ struct activation activation = {0};
		const int64_t now = clock_boot_ms();

		activation_find(&activation, outside->settings);
		if (activation.state == ACTIVATION_UNKNOWN)
			warn("whether an activation is running cannot be seen from here (a "
			     "pid namespace): if one is, nixos-rebuild will say so");
		if (!activation.description)
			return LOCK_WAIT_GOT;
		set_string(&outside->what,
			xasprintf("an activation started outside safe-rebuild: %s",
				activation.description));
		if (activation.state == ACTIVATION_LEAKED)
			set_string(&outside->what, xstrdup(activation.description));
		if (!said)
			outside->begins(outside->data);
		if (!said || now - said >= HEARTBEAT_MS) {
			say("waiting for %s", outside->what);
			said = now;
		}
		result = sleep_once(outside->wait, &activation);
	}
	return result;
}

void outside_name_rebuilds(void)
{
	_cleanup_strv_ struct strv rebuilds = {0};

	activation_list_rebuilds(&rebuilds);
	for (size_t i = 0; i < rebuilds.len; i++)
		warn("%s runs outside safe-rebuild: it may activate something at any time",
			rebuilds.words[i]);
}

enum lock_wait_result outside_wait(struct outside *outside)
{
	enum lock_wait_result result = wait_for_orphans(outside);

	return result == LOCK_WAIT_GOT && outside->is_local ? wait_for_activation(outside)
							    : result;
}

/* Clocks of processes tick in hundredths of a second: a second is given. */
static bool began_before(const struct activation *activation, time_t started)
{
	struct process process;

	return activation->pid > 0 && process_read(&process, activation->pid) &&
	       process_start_time(&process) + 1 < started;
}

void outside_wait_for_leftover(const struct settings *settings, time_t started)
{
	bool said = false;

	for (;;) {
		_cleanup_activation_ struct activation activation = {0};
		_cleanup_close_ int fd = -1;
		struct pollfd poll_fd = {.events = POLLIN};

		activation_find(&activation, settings);
		if (activation.state != ACTIVATION_RUNNING ||
			began_before(&activation, started))
			return;
		if (!said)
			say("nixos-rebuild has ended and its activation goes on: waiting for "
			    "%s",
				activation.description);
		said = true;
		fd = activation.pid > 0 ? process_open(activation.pid) : -1;
		poll_fd.fd = fd;
		poll(&poll_fd, 1, LOOK_AGAIN_MS);
	}
}
