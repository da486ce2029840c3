#include "run/word.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <termios.h>

#include "base/clock.h"
#include "base/message.h"
#include "changes/describe.h"
#include "ledger/builds.h"
#include "queue/cancellation.h"
#include "run/confirmation.h"
#include "run/orphans.h"
#include "run/watch.h"

/* Keeping it takes the time of a boot loader, going back that of an activation. */
#define WAIT_MS 600000
#define PAUSE_MS 100
#define ANSWER_MAX 80

int word_report(const struct settings *settings, uint64_t number)
{
	_cleanup_ledger_ struct ledger *ledger = NULL;
	_cleanup_build_ struct build build = BUILD_INIT;
	_cleanup_free_ char *line = NULL;

	if (ledger_open(&ledger, settings) < 0)
		return EXIT_OWN_FAILURE;
	for (int waited = 0; ledger && waited < WAIT_MS; waited += PAUSE_MS) {
		if (build_by_number(&build, ledger, number) < 0)
			return EXIT_OWN_FAILURE;
		if (!build_is_running(&build) || build_is_orphaned(&build, settings))
			break;
		clock_sleep_ms(PAUSE_MS);
	}
	if (!build.number || build_is_running(&build)) {
		error("the runner of build %" PRIu64
		      " was killed: what runs is not what boots (safe-rebuild status); "
		      "make it so with another switch",
			number);
		return EXIT_OWN_FAILURE;
	}
	line = describe_build(&build);
	say("%s", line);
	return build.exit_status == NO_EXIT_STATUS ? EXIT_OWN_FAILURE : build.exit_status;
}

static bool has_lost_runner(const struct settings *settings, uint64_t number)
{
	_cleanup_ledger_ struct ledger *ledger = NULL;
	_cleanup_build_ struct build build = BUILD_INIT;

	return ledger_open(&ledger, settings) == 0 && ledger &&
	       build_by_number(&build, ledger, number) > 0 &&
	       build_is_orphaned(&build, settings);
}

int word_confirm(const struct settings *settings, uint64_t number, const char *by)
{
	int confirmed;

	if (has_lost_runner(settings, number)) {
		error("build %" PRIu64
		      " cannot be kept, because its runner was killed: it will be taken "
		      "back, build it again",
			number);
		return EXIT_TAKEN_BACK;
	}
	confirmed = trial_confirm(settings, by);
	if (confirmed < 0)
		return fail_errno(EXIT_NO_PERMISSION,
			"cannot confirm build %" PRIu64 "%s", number,
			errno == EACCES || errno == EPERM ? " (use sudo)" : "");
	/* Unless somebody else has confirmed it at this moment. */
	if (!confirmed && !trial_is_there(settings, TRIAL_CONFIRMED))
		return fail(EXIT_TAKEN_BACK,
			"too late: build %" PRIu64 " is being taken back", number);
	return word_report(settings, number);
}

/* Asks the runner to go back, as it does when the time is over. */
static int refuse(const struct settings *settings, const struct target *target,
	uint64_t number, const char *by)
{
	_cleanup_builds_ struct builds tickets = {0};
	_cleanup_record_ struct record request = {0};

	record_set(&request, "By", by);
	record_set(&request, "Message", "not confirmed");
	if (tickets_read(&tickets, target->queue) == 0)
		for (size_t i = 0; i < tickets.len; i++)
			if (tickets.list[i].number == number &&
				cancellation_request(NULL, target->queue,
					tickets.list[i].ticket, &request) == 0)
				return word_report(settings, number);
	return fail(EXIT_OWN_FAILURE,
		"build %" PRIu64 " could not be asked to go back: it will do so when "
		"its time is over",
		number);
}

enum answer { ANSWER_NONE, ANSWER_YES, ANSWER_NO, ANSWER_DECIDED, ANSWER_LEFT };

/* A whole line; the end of the input is no answer either. */
static enum answer read_answer(void)
{
	char line[ANSWER_MAX + 1];
	const ssize_t got = read(STDIN_FILENO, line, ANSWER_MAX);

	if (got <= 0)
		return got < 0 && errno == EINTR ? ANSWER_NONE : ANSWER_LEFT;
	line[got] = '\0';
	line[strcspn(line, " \r\n")] = '\0';
	if (strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0)
		return ANSWER_YES;
	if (strcasecmp(line, "n") == 0 || strcasecmp(line, "no") == 0)
		return ANSWER_NO;
	return ANSWER_NONE;
}

static bool waits(const struct settings *settings, uint64_t number)
{
	_cleanup_trial_record_ struct trial_record record = {0};

	trial_read(&record, settings, TRIAL_OPEN);
	return record.build == number;
}

/* watch: an inotify on the run directory; *ret_signal: what ended the asking, or 0. */
static enum answer wait_for_answer(const struct settings *settings, uint64_t number,
	int watch, int signals, int *ret_signal)
{
	char events[4096];
	struct signalfd_siginfo info;

	while (waits(settings, number)) {
		struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
			{.fd = watch, .events = POLLIN},
			{.fd = signals, .events = POLLIN}};

		if (poll(fds, ARRAY_LEN(fds), -1) < 0)
			continue;
		if (fds[1].revents)
			(void)!read(watch, events, sizeof(events));
		if (fds[2].revents && read(signals, &info, sizeof(info)) > 0 &&
			info.ssi_signo != SIGWINCH) {
			*ret_signal = (int)info.ssi_signo;
			return ANSWER_LEFT;
		}
		/* In the background there is nobody to ask. */
		if (fds[0].revents)
			return tcgetpgrp(STDIN_FILENO) == getpgrp() ? read_answer()
								    : ANSWER_LEFT;
	}
	return ANSWER_DECIDED;
}

static void say_when(const struct settings *settings, uint64_t number)
{
	_cleanup_trial_record_ struct trial_record record = {0};
	_cleanup_free_ char *left = NULL;

	trial_read(&record, settings, TRIAL_OPEN);
	left = clock_duration(record.until > time(NULL) ? record.until - time(NULL) : 0);
	say("build %" PRIu64 " goes back in %s unless confirmed: safe-rebuild confirm "
	    "%" PRIu64,
		number, left, number);
}

int word_ask(const struct settings *settings, const struct target *target,
	uint64_t number, const char *by)
{
	_cleanup_close_ int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	_cleanup_close_ int signals = watch_signals();
	enum answer answer = ANSWER_NONE;
	int signal = 0;

	(void)inotify_add_watch(watch, settings->run_path, IN_MOVE | IN_DELETE);
	/* What was typed before is no answer to this. */
	(void)tcflush(STDIN_FILENO, TCIFLUSH);
	while (answer == ANSWER_NONE) {
		say_in_place("keep build %" PRIu64 " (y), or go back now (n)? ", number);
		answer = wait_for_answer(settings, number, watch, signals, &signal);
	}
	switch (answer) {
	case ANSWER_YES:
		return word_confirm(settings, number, by);
	case ANSWER_NO:
		return refuse(settings, target, number, by);
	case ANSWER_DECIDED:
		(void)tcflush(STDIN_FILENO, TCIFLUSH);
		return word_report(settings, number);
	case ANSWER_LEFT:
	case ANSWER_NONE:
		break;
	}
	say_when(settings, number);
	return signal ? EXIT_SIGNAL_BASE + signal : 0;
}
