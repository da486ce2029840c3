#include "queue/outside.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/proc.h"
#include "queue/ticket.h"
#include "rebuild/activation.h"

/* Polled, because a lock or a unit can end without a process to wait for. */
#define LOOK_AGAIN_MS 1000
#define HEARTBEAT_MS 30000
/* A queue that cannot be read for so long is broken. */
#define READS_MAX 5

/* Until the process of this descriptor (-1: it is not known) ends, or it is time to look
 * again. */
static enum lock_wait_result sleep_once(struct lock_wait *wait, int fd)
{
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

/* Without this anybody could make us wait for any process. If we cannot tell just now, we
 * wait rather than run beside it. */
static bool is_believed(const struct build *ticket, const struct settings *settings)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d", (int)ticket->child.pid);
	struct stat status;

	if (stat(path, &status) < 0)
		return errno != ENOENT || ticket_is_believed(ticket, settings, 0);
	return ticket_is_believed(ticket, settings, status.st_uid);
}

static void say_orphan(struct outside *outside, const struct build *ticket)
{
	set_string(&outside->what,
		ticket->number
			? xasprintf("nixos-rebuild (pid %d) of build %" PRIu64
				    ", whose runner was killed",
				  (int)ticket->child.pid, ticket->number)
			: xasprintf("nixos-rebuild (pid %d), whose runner was killed",
				  (int)ticket->child.pid));
	outside->begins(outside->data);
	say("waiting for %s", outside->what);
}

static enum lock_wait_result wait_for_orphan(
	struct outside *outside, const struct build *ticket)
{
	enum lock_wait_result result = LOCK_WAIT_GOT;
	bool said = false;

	while (result == LOCK_WAIT_GOT &&
		!process_has_ended(ticket->child.pid, ticket->child.start_ticks)) {
		_cleanup_close_ int fd = process_open(ticket->child.pid);

		if (!said)
			say_orphan(outside, ticket);
		said = true;
		result = sleep_once(outside->wait, fd);
	}
	return result;
}

/* Tries again if reading fails: another nixos-rebuild may still be at work. */
static enum lock_wait_result read_dead(struct builds *ret, struct outside *outside)
{
	enum lock_wait_result result = LOCK_WAIT_GOT;

	for (int i = 0; tickets_read_dead(ret, outside->queue) < 0; i++) {
		if (i == READS_MAX) {
			warn("cannot read the queue '%s' (%m): the nixos-rebuild of a "
			     "killed run may still be running",
				outside->queue);
			break;
		}
		result = sleep_once(outside->wait, -1);
		if (result != LOCK_WAIT_GOT)
			break;
	}
	return result;
}

static enum lock_wait_result wait_for_orphans(struct outside *outside)
{
	_cleanup_builds_ struct builds dead = {0};
	enum lock_wait_result result = read_dead(&dead, outside);

	for (size_t i = 0; i < dead.len && result == LOCK_WAIT_GOT; i++) {
		const struct build *ticket = &dead.list[i];
		_cleanup_free_ char *path =
			xasprintf("%s/%s", outside->queue, ticket->ticket);

		if (!ticket->child.pid)
			continue;
		if (ticket_name_queues(ticket->ticket) &&
			is_believed(ticket, outside->settings))
			result = wait_for_orphan(outside, ticket);
		/* A ticket with an outcome stays until that is recorded. */
		if (result == LOCK_WAIT_GOT && ticket->outcome <= OUTCOME_RUNNING)
			unlink(path);
	}
	return result;
}

static enum lock_wait_result wait_for_activation(struct outside *outside)
{
	enum lock_wait_result result = LOCK_WAIT_GOT;
	int64_t said = 0;

	while (result == LOCK_WAIT_GOT) {
		_cleanup_activation_ struct activation activation = {0};
		_cleanup_close_ int fd = -1;
		const int64_t now = clock_boot_ms();

		activation_find(&activation, outside->settings);
		if (activation.state == ACTIVATION_UNKNOWN)
			warn("cannot see from here whether an activation is running (a "
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
		fd = activation.pid > 0 ? process_open(activation.pid) : -1;
		result = sleep_once(outside->wait, fd);
	}
	return result;
}

void outside_name_rebuilds(void)
{
	_cleanup_strv_ struct strv rebuilds = activation_list_rebuilds();

	for (size_t i = 0; i < rebuilds.len; i++)
		warn("%s runs outside safe-rebuild: it may activate something at any "
		     "time",
			rebuilds.words[i]);
}

enum lock_wait_result outside_wait(struct outside *outside)
{
	enum lock_wait_result result = wait_for_orphans(outside);

	return result == LOCK_WAIT_GOT && outside->is_local ? wait_for_activation(outside)
							    : result;
}

/* Start times are exact to 1/100 s only: allow a second. */
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
			say("nixos-rebuild has ended but its activation goes on: "
			    "waiting for %s",
				activation.description);
		said = true;
		fd = activation.pid > 0 ? process_open(activation.pid) : -1;
		poll_fd.fd = fd;
		poll(&poll_fd, 1, LOOK_AGAIN_MS);
	}
}
