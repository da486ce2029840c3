#include "queue/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"
#include "caller/caller.h"
#include "queue/cancellation.h"
#include "queue/lock.h"
#include "queue/lock_wait.h"
#include "queue/making.h"
#include "queue/outside.h"
#include "queue/pause.h"
#include "queue/waiting.h"

/* One caller on its way to its turn. */
struct arrival {
	const struct queue_call *call;
	struct turn *turn;
	const struct target *target;
	struct waiting waiting;
	struct lock_wait wait;
	bool has_waited;
	bool asked_ancestors, ancestor_has_lock;
};

/* Anything else (a full /run, say) must not keep a rebuild from repairing the machine. */
static bool is_refusal(int reason)
{
	return reason == EACCES || reason == EPERM || reason == EROFS || reason == ENOENT;
}

static int refuse_permission(const struct queue_call *call)
{
	const struct settings *settings = call->settings;
	const int reason = errno;
	const bool is_member = sharing_has_member(settings);
	const char *group = sharing_group_name(settings);
	const char *sandbox =
		reason == EROFS && call->is_agent ? SANDBOX_ADVICE : sandbox_advice();

	if (!is_refusal(reason) || (reason == EROFS && !sandbox)) {
		errno = reason;
		error_errno("cannot queue in '%s'", settings->run_path);
		return reason == EROFS ? EXIT_NO_PERMISSION : EXIT_OWN_FAILURE;
	}
	if (getuid() == 0 && reason != EROFS)
		error("cannot queue in '%s' (%s): it must belong to root (chown it, or "
		      "move it away)",
			settings->run_path, strerror(reason));
	else if (sandbox)
		error("cannot queue in '%s' (%s): %s", settings->run_path,
			strerror(reason), sandbox);
	else if (group && is_member)
		error("no permission to queue in '%s': it is not shared with your group "
		      "'%s': use sudo",
			settings->run_path, group);
	else if (group)
		error("no permission to queue in '%s': use sudo, or become a member of "
		      "group "
		      "'%s' ([access] group)",
			settings->run_path, group);
	else
		error("no permission to queue in '%s': use sudo", settings->run_path);
	return EXIT_NO_PERMISSION;
}

static void set_phase(struct arrival *arrival, enum phase phase)
{
	arrival->call->build->phase = phase;
	ticket_update(&arrival->turn->ticket, arrival->call->build);
}

/* Asked only before the first sleep: it reads much of /proc. */
static bool ancestor_has_lock(struct arrival *arrival)
{
	if (!arrival->asked_ancestors)
		arrival->ancestor_has_lock =
			lock_is_held_by_ancestor(arrival->target->directory);
	arrival->asked_ancestors = true;
	return arrival->ancestor_has_lock;
}

/*
 * Only a waiting run needs this. Closing it takes the kernel milliseconds; the runner,
 * which inherits it, does so at its very end.
 */
static void watch_for_requests(struct arrival *arrival)
{
	struct turn *turn = arrival->turn;

	if (turn->requests >= 0)
		close(turn->requests);
	turn->requests = cancellation_watch(&turn->ticket);
	if (turn->requests >= 0)
		pause_watch(turn->requests, arrival->call->settings);
	arrival->wait.event_fd = turn->requests;
}

static void begin_waiting(struct arrival *arrival)
{
	if (arrival->has_waited || !arrival->call->wait_ms)
		return;
	arrival->has_waited = true;
	watch_for_requests(arrival);
	if (arrival->call->begins)
		arrival->call->begins(arrival->call->data);
	ticket_update(&arrival->turn->ticket, arrival->call->build);
}

/* Out of time: the last line says who has the turn. holder NULL: ask the queue. */
static int give_up(struct arrival *arrival, const char *holder)
{
	_cleanup_free_ char *first =
		holder ? xstrdup(holder) : waiting_describe_holder(arrival->target);

	if (arrival->call->wait_ms)
		ticket_leave(&arrival->turn->ticket, arrival->call->build);
	else
		ticket_remove(&arrival->turn->ticket);
	error("busy: %s; try again later%s", first,
		arrival->call->wait_ms ? " (your place is kept for 10 min)" : "");
	return EXIT_BUSY;
}

static int leave_on_signal(struct arrival *arrival, int signal)
{
	ticket_leave(&arrival->turn->ticket, arrival->call->build);
	say("left the queue on SIG%s; your place is kept for 10 min: run this again",
		sigabbrev_np(signal));
	return EXIT_SIGNAL_BASE + signal;
}

/* A person's rollback goes through: it may be what the others wait for. */
static int refuse_paused(const struct queue_call *call)
{
	_cleanup_free_ char *paused = call->first ? NULL : pause_describe(call->settings);

	if (!paused)
		return 0;
	error("rebuilds are %s; try again later (a person can end this: safe-rebuild resume)",
		paused);
	return EXIT_BUSY;
}

/* Somebody may have asked this run to end, or all of them. -1: nobody has. */
static int leave_on_request(struct arrival *arrival)
{
	struct build *build = arrival->call->build;
	_cleanup_cancellation_ struct cancellation request = {0};
	_cleanup_free_ char *words = NULL;

	if (!cancellation_receive(
		    &request, build, &arrival->turn->ticket, arrival->turn->requests)) {
		const int status = refuse_paused(arrival->call);

		return status ? status : -1;
	}
	words = cancellation_describe(&request);
	cancellation_answer(build, &request, CANCEL_ACCEPTED);
	ticket_update(&arrival->turn->ticket, build);
	ticket_remove(&arrival->turn->ticket);
	error("cancelled by %s while waiting: nothing was built", words);
	return EXIT_SIGNAL_BASE + SIGTERM;
}

/*
 * Ctrl-Z: asleep this process would keep everybody behind it waiting, so it leaves,
 * stops, and comes back to its place when it goes on.
 */
static int stop_and_return(struct arrival *arrival)
{
	ticket_leave(&arrival->turn->ticket, arrival->call->build);
	raise(SIGSTOP);
	if (ticket_arrive(&arrival->turn->ticket, arrival->target->queue,
		    arrival->call->build) < 0)
		return refuse_permission(arrival->call);
	watch_for_requests(arrival);
	return 0;
}

/* What the end of a sleep means. 0: it got what it waited for; -1: look again; else the
 * exit status. */
static int end_sleep(
	struct arrival *arrival, enum lock_wait_result result, const char *holder)
{
	int status;

	switch (result) {
	case LOCK_WAIT_GOT:
		return 0;
	case LOCK_WAIT_TIMEOUT:
		return give_up(arrival, holder);
	case LOCK_WAIT_SIGNAL:
		return leave_on_signal(arrival, arrival->wait.signal);
	case LOCK_WAIT_EVENT:
		return leave_on_request(arrival);
	case LOCK_WAIT_STOP:
		status = stop_and_return(arrival);
		return status ? status : -1;
	case LOCK_WAIT_FAILED:
		break;
	}
	return refuse_permission(arrival->call);
}

static int sleep_on(struct arrival *arrival, int fd, int operation)
{
	begin_waiting(arrival);
	return end_sleep(arrival, lock_wait(&arrival->wait, fd, operation), NULL);
}

/* Until no living ticket is before ours; returns 0 or the exit status. */
static int wait_for_predecessors(struct arrival *arrival)
{
	if (arrival->turn->ticket.fd < 0)
		return 0;
	for (;;) {
		_cleanup_close_ int fd = ticket_open_predecessor(
			&arrival->turn->ticket, arrival->target->queue);
		int status;

		/* Those before us may be waiting for the lock that our ancestor holds. */
		if (fd < 0 || ancestor_has_lock(arrival))
			return 0;
		arrival->waiting.ticket = ticket_name(&arrival->turn->ticket);
		status = sleep_on(arrival, fd, LOCK_SH);
		if (status > 0)
			return status;
	}
}

/* Shows those behind us what we, the first in the queue, wait for. */
static void begin_waiting_for_outside(void *data)
{
	struct arrival *arrival = data;

	if (arrival->turn->requests < 0)
		watch_for_requests(arrival);
	set_phase(arrival, PHASE_OUTSIDE);
}

/*
 * Waits for what runs without the lock, which is ours now. fd: the lock; a run that is
 * stopped (Ctrl-Z) while it waits here must release it.
 */
static int wait_for_outside(struct arrival *arrival, int fd)
{
	const struct queue_call *call = arrival->call;
	struct outside outside = {
		.settings = call->settings,
		.queue = arrival->target->queue,
		.is_local = target_is_local(call->target->name),
		.wait = &arrival->wait,
		.begins = begin_waiting_for_outside,
		.data = arrival,
	};
	enum lock_wait_result result;
	int status;

	/* The heartbeat tells about the queue, and this run is its head. */
	arrival->wait.tick = NULL;
	result = outside_wait(&outside);
	arrival->wait.tick = waiting_tell;
	if (result == LOCK_WAIT_STOP)
		flock(fd, LOCK_UN);
	status = end_sleep(arrival, result, outside.what);
	free(outside.what);
	return status;
}

/* 0 with the lock taken (or an ancestor's); -1: look again; else the exit status. */
static int take_lock(struct arrival *arrival, int fd)
{
	int status;

	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return refuse_permission(arrival->call);
		if (ancestor_has_lock(arrival))
			return 0;
		arrival->waiting.ticket = ticket_name(&arrival->turn->ticket);
		status = sleep_on(arrival, fd, LOCK_EX);
		if (status)
			return status;
	}
	return lock_is_current(arrival->target->directory, fd) ? 0 : -1;
}

static int wait_for_turn(struct arrival *arrival)
{
	int status;

	do {
		_cleanup_close_ int fd = lock_open(arrival->target->directory, (gid_t)-1);

		if (fd < 0)
			return refuse_permission(arrival->call);
		status = wait_for_predecessors(arrival);
		if (!status)
			status = take_lock(arrival, fd);
		if (!status)
			status = wait_for_outside(arrival, fd);
		if (!status)
			arrival->turn->lock_fd = TAKE_FD(fd);
	} while (status < 0);
	if (status)
		return status;
	status = leave_on_request(arrival);
	if (status >= 0)
		return status;
	set_phase(arrival, PHASE_LOOKING);
	return 0;
}

int queue_enter(struct turn *ret, const struct queue_call *call)
{
	struct arrival arrival = {
		.call = call,
		.turn = ret,
		.target = call->target,
		.wait = {.deadline_ms = call->wait_ms == FOREVER_MS
						? FOREVER_MS
						: clock_boot_ms() + call->wait_ms,
			.tick = waiting_tell,
			.data = &arrival.waiting,
			.event_fd = -1},
		.waiting = {.target = call->target,
			.is_agent = call->is_agent,
			.in_place = !call->is_agent && isatty(STDERR_FILENO),
			.since_ms = clock_boot_ms()},
	};
	int status;

	*ret = (struct turn)TURN_NONE;
	status = refuse_paused(call);
	if (status)
		return status;
	call->build->phase = PHASE_WAITING;
	if (queue_make(call->settings, call->target) < 0)
		return refuse_permission(call);
	if ((call->first ? ticket_arrive_first : ticket_arrive)(
		    &ret->ticket, call->target->queue, call->build) < 0) {
		if (is_refusal(errno))
			return refuse_permission(call);
		warn_errno("going on with the lock alone: cannot make a ticket in '%s'",
			call->target->queue);
	}
	status = wait_for_turn(&arrival);
	free(arrival.waiting.said_state);
	if (status)
		queue_leave(ret);
	return status;
}

void queue_enter_beside(struct turn *ret, const struct queue_call *call)
{
	*ret = (struct turn)TURN_NONE;
	call->build->phase = PHASE_LOOKING;
	if (queue_make(call->settings, call->target) == 0)
		(void)!ticket_arrive_beside(
			&ret->ticket, call->target->queue, call->build);
}

void queue_close(struct turn *turn)
{
	ticket_close(&turn->ticket);
	if (turn->lock_fd >= 0)
		close(turn->lock_fd);
	if (turn->requests >= 0)
		close(turn->requests);
	turn->lock_fd = turn->requests = -1;
}

void queue_leave(struct turn *turn)
{
	ticket_remove(&turn->ticket);
	queue_close(turn);
}

bool queue_is_busy(const struct target *target)
{
	_cleanup_builds_ struct builds tickets = {0};

	if (tickets_read(&tickets, target->queue) < 0)
		return false;
	for (size_t i = 0; i < tickets.len; i++)
		if (ticket_name_queues(tickets.list[i].ticket))
			return true;
	return false;
}
