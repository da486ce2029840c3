#include "run/trial.h"

#include <inttypes.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/message.h"
#include "queue/cancellation.h"
#include "queue/outside.h"
#include "run/confirmation.h"
#include "run/notice.h"
#include "run/steps.h"
#include "run/way_back.h"

/* If the timer has not acted by then, we do what it should have done. */
#define GRACE_MS 15000
/* After so many pauses we look whether it is still at work. */
#define PAUSE_MS 100
#define PAUSES 10

void trial_note_phase(struct run *run, const struct supervision *supervision)
{
	if (!run->trial.armed && run->trial.old_system &&
		supervision->progress.phase == PHASE_ACTIVATING)
		trial_arm(run, "?", run->trial.confirm_ms);
}

static void set_phase(struct supervision *supervision, enum phase phase)
{
	supervision->progress.phase = phase;
	supervision->changed(supervision->data);
}

/* As clear as can be, because now a person has to act. */
static int say_way_back_failed(const struct run *run)
{
	error("THE WAY BACK FAILED AS WELL: what runs is not the old system, and may be "
	      "a mixture of two. What boots is still the old one: restart the machine, "
	      "or try %s/bin/switch-to-configuration test",
		run->trial.old_system);
	log_to_syslog("build %" PRIu64 ": the way back failed", run->build.number);
	return EXIT_OWN_FAILURE;
}

static void leave_to_another(struct supervision *supervision, struct run *run)
{
	run->trial.superseded = true;
	error("another system was made live meanwhile: that one is left alone");
	supervision->exit_status = EXIT_OWN_FAILURE;
}

/* why NULL: the timer had its turn. If it could not, perhaps we can. */
static void go_back(struct supervision *supervision, struct run *run, const char *why)
{
	const char *old_system = run->trial.old_system;

	if (trial_is_superseded(run->settings, old_system, run->trial.new_system)) {
		leave_to_another(supervision, run);
		return;
	}
	if (why)
		say("%s: taking the new system back", why);
	if (!run->build.taken_back)
		run->build.taken_back = xstrdup(why);
	/* The request or signal that ended the trial must not end the way back, too. */
	set_string(&supervision->cancelled_by, NULL);
	supervision->missed = 0;
	run->trial.taken_back = (!why && step_is_active(run, old_system)) ||
				step_activate(supervision, run, old_system);
	supervision->exit_status =
		run->trial.taken_back ? EXIT_TAKEN_BACK : say_way_back_failed(run);
	supervision->signalled = false;
}

static void keep(struct supervision *supervision, struct run *run,
	const struct system_state *before)
{
	const char *new_system = run->trial.new_system;
	const int status = supervision->exit_status;
	_cleanup_system_ struct system_state now =
		system_read(run->settings, &run->target);

	if (!now.running || !streq(now.running, new_system) || !now.profile ||
		!before->profile || !streq(now.profile, before->profile)) {
		leave_to_another(supervision, run);
		return;
	}
	if (step_keep(supervision, run, new_system) == 0)
		supervision->exit_status = status;
	else
		supervision->progress.boot_loader_failed = true;
}

enum word { WORD_NONE, WORD_CONFIRMED, WORD_TAKEN, WORD_END, WORD_LEAVE };

/* The machine is being shut down, or the session is over. */
static bool told_to_end(int signals)
{
	struct pollfd fds = {.fd = signals, .events = POLLIN};
	struct signalfd_siginfo info;

	while (poll(&fds, 1, 0) > 0)
		if (read(signals, &info, sizeof(info)) == sizeof(info) &&
			info.ssi_signo == SIGTERM)
			return true;
	return false;
}

static void note_who_ends(struct run *run, const struct cancellation *request)
{
	struct build *build = &run->build;
	_cleanup_free_ char *words = cancellation_describe(request);
	const char *by = record_get(&request->record, "By");

	set_string(&build->taken_back, xasprintf("by %s", words));
	if (by && agent_name_is_valid(by))
		set_string(&build->taken_back_by, xstrdup(by));
	cancellation_answer(build, request, CANCEL_ACCEPTED);
	ticket_update(&run->turn.ticket, build);
}

/* What somebody has decided, or asks for. */
static enum word look(struct run *run, int signals)
{
	_cleanup_cancellation_ struct cancellation request = {0};

	/* While it is being renamed the new name may not be there yet. */
	if (!trial_is_there(run->settings, TRIAL_OPEN))
		return trial_is_there(run->settings, TRIAL_CONFIRMED) ? WORD_CONFIRMED
								      : WORD_TAKEN;
	if (cancellation_receive(
		    &request, &run->build, &run->turn.ticket, run->turn.requests)) {
		note_who_ends(run, &request);
		return WORD_END;
	}
	if (told_to_end(signals))
		return run->trial.has_timer ? WORD_LEAVE : WORD_END;
	return WORD_NONE;
}

static enum word wait_for_word(struct run *run, int signals)
{
	const int64_t end = run->trial.until_ms + (run->trial.has_timer ? GRACE_MS : 0);
	_cleanup_close_ int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	enum word word;

	(void)inotify_add_watch(watch, run->settings->run_path, IN_MOVE | IN_DELETE);
	while ((word = look(run, signals)) == WORD_NONE) {
		struct pollfd fds[] = {{.fd = watch, .events = POLLIN},
			{.fd = run->turn.requests, .events = POLLIN},
			{.fd = signals, .events = POLLIN}};
		char events[4096];
		const int64_t left = end - clock_boot_ms();

		if (left <= 0)
			return WORD_END;
		(void)poll(fds, ARRAY_LEN(fds), (int)left);
		(void)!read(watch, events, sizeof(events));
	}
	return word;
}

/* The timer goes back and then renames its file. One that was stopped does neither, and
 * no longer holds its lock. */
static void wait_for_timer(struct supervision *supervision, struct run *run)
{
	for (int tries = 1; trial_is_there(run->settings, TRIAL_EXPIRED); tries++) {
		clock_sleep_ms(PAUSE_MS);
		if (tries % PAUSES == 0 && !way_back_is_taken(run->settings))
			break;
	}
	trial_forget(run->settings, TRIAL_EXPIRED);
	set_string(&run->build.taken_back, xstrdup("not confirmed"));
	go_back(supervision, run, NULL);
}

static void disarm(const struct run *run)
{
	if (run->trial.armed)
		trial_stop_timer(&run->surroundings, run->build.number);
}

/* Takes the new system back (why NULL: there is nothing to take back), unless the timer
 * is already doing that. */
static void end_trial(struct supervision *supervision, struct run *run, const char *why)
{
	if (run->trial.armed && trial_decide(run->settings, TRIAL_EXPIRED) == 0) {
		wait_for_timer(supervision, run);
		return;
	}
	disarm(run);
	if (why)
		go_back(supervision, run, why);
	trial_forget(run->settings, TRIAL_EXPIRED);
}

static void note_who_confirmed(struct run *run)
{
	_cleanup_free_ char *by = trial_confirmed_by(run->settings);

	if (!by)
		return;
	say("confirmed by %s", by);
	set_string(&run->build.confirmed_by, TAKE_PTR(by));
}

static void wait_to_be_confirmed(struct supervision *supervision, struct run *run,
	const struct system_state *before)
{
	_cleanup_free_ char *time_left = clock_duration(run->trial.confirm_ms / 1000);
	enum word word;

	trial_arm(run, run->trial.new_system, run->trial.confirm_ms);
	/* Those who wait are told until when at most. */
	run->build.expected = (uint64_t)(time(NULL) - run->build.started +
					 run->trial.confirm_ms / 1000);
	say("unconfirmed: build %" PRIu64 " goes back in %s unless confirmed: "
	    "safe-rebuild confirm "
	    "%" PRIu64,
		run->build.number, time_left, run->build.number);
	/* Followers leave now, and have read the line above. */
	set_phase(supervision, PHASE_UNCONFIRMED);
	notice_send(run->settings, &run->surroundings, "unconfirmed", &run->build);
	output_tell(supervision->output, RELAY_UNCONFIRMED, 0);
	output_release_front(supervision->output, 0);
	/* A signal during the activation is meant for the trial too. */
	if (supervision->signalled)
		word = run->trial.has_timer ? WORD_LEAVE : WORD_END;
	else
		word = wait_for_word(run, supervision->signals);
	switch (word) {
	case WORD_CONFIRMED:
		disarm(run);
		note_who_confirmed(run);
		keep(supervision, run, before);
		trial_forget(run->settings, TRIAL_CONFIRMED);
		return;
	case WORD_TAKEN:
		wait_for_timer(supervision, run);
		return;
	case WORD_LEAVE:
		run->trial.left_to_timer = true;
		return;
	case WORD_END:
	case WORD_NONE:
		break;
	}
	end_trial(supervision, run,
		run->build.taken_back ? run->build.taken_back : "not confirmed");
}

/* systemd-run ends with 0 where its unit was stopped. */
static bool was_cut_off(const struct supervision *supervision, const struct run *run)
{
	const char *path = supervision->stdout_text;
	const size_t len = strcspn(path, "\n");

	return supervision->progress.activation_begun && *path == '/' &&
	       (strlen(run->trial.old_system) != len ||
		       strncmp(path, run->trial.old_system, len) != 0);
}

static void try_out(struct supervision *supervision, struct run *run,
	const struct system_state *before, const struct units_before *units_before)
{
	_cleanup_system_ struct system_state now = {0};
	_cleanup_free_ char *why = NULL;
	int status;

	supervise(supervision);
	status = supervision->exit_status;
	/* Its unit outlives a nixos-rebuild that was killed. */
	if (status)
		outside_wait_for_leftover(run->settings, run->build.started);
	now = system_read(run->settings, &run->target);
	if (!now.running)
		return;
	if (streq(now.running, run->trial.old_system) &&
		(status || was_cut_off(supervision, run))) {
		/* One that was activating has left a mixture of two systems. */
		end_trial(supervision, run,
			supervision->progress.activation_begun
				? "its activation did not finish"
				: NULL);
		return;
	}
	/* The ticket tells others who made the running system. */
	set_string(&run->build.system_after, xstrdup(now.running));
	run->trial.new_system = xstrdup(now.running);
	set_phase(supervision, PHASE_CHECKING);
	/* The activation has ended, and the check has a time limit of its own. */
	if (run->trial.confirm_ms)
		trial_arm(run, "?",
			run->trial.confirm_ms + 2 * run->settings->health_timeout_ms +
				GRACE_MS);
	why = health_check(supervision, run, units_before, run->trial.old_system);
	supervision->exit_status = status;
	if (run->trial.armed && !trial_is_there(run->settings, TRIAL_OPEN)) {
		/* The timer came while it was being checked. */
		wait_for_timer(supervision, run);
	} else if (why) {
		end_trial(supervision, run, why);
	} else if (run->trial.confirm_ms && !streq(now.running, run->trial.old_system)) {
		wait_to_be_confirmed(supervision, run, before);
	} else {
		if (run->trial.armed && trial_decide(run->settings, TRIAL_CONFIRMED) >= 0)
			disarm(run);
		trial_forget(run->settings, TRIAL_CONFIRMED);
		keep(supervision, run, before);
	}
}

void trial_run(struct supervision *supervision, struct run *run,
	const struct system_state *before, const struct units_before *units_before)
{
	/* The link was there when the call came (find_obstacle()). */
	run->trial.old_system = xstrdup(before->running ? before->running : "/");
	trial_hold_root(run->settings, run->trial.old_system);
	try_out(supervision, run, before, units_before);
	if (!run->trial.left_to_timer)
		trial_release_root(run->settings);
}
