#include "run/confirmation.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/file.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/rights.h"
#include "record/record.h"
#include "run/steps.h"

#define RECORD_MAX ((size_t)64 << 10)
#define SYSTEMD_MS 10000
#define UNIT "safe-rebuild-trial"
#define BY ".by"
/* switch-to-configuration could not have NixOS' own lock; so long it is tried again. */
#define STATUS_LOCKED 11
#define LOCKED_MS 120000

static char *trial_path(const struct settings *settings, const char *suffix)
{
	return xasprintf("%s/trial%s", settings->run_path, suffix);
}

void trial_read(
	struct trial_record *ret, const struct settings *settings, const char *suffix)
{
	_cleanup_free_ char *path = trial_path(settings, suffix), *text = NULL;
	_cleanup_close_ int fd =
		open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	_cleanup_record_ struct record record = {0};
	const char *until;
	size_t len;

	*ret = (struct trial_record){0};
	if (fd < 0 || read_to_end(fd, RECORD_MAX, &text, &len) < 0)
		return;
	record_parse(&record, text, len);
	until = record_get(&record, "Until");
	if (!record_get(&record, "Old") || !record_get(&record, "New") || !until ||
		!clock_parse_iso8601(until, &ret->until))
		return;
	ret->build = record_get_number(&record, "Build");
	ret->old_system = xstrdup(record_get(&record, "Old"));
	ret->new_system = xstrdup(record_get(&record, "New"));
}

void trial_record_free(struct trial_record *record)
{
	free(record->old_system);
	free(record->new_system);
}

struct file_job {
	const struct settings *settings;
	const struct trial_record *record;
	const char *from, *suffix;
};

static int write_record(void *data)
{
	const struct file_job *job = data;
	_cleanup_free_ char *path = trial_path(job->settings, TRIAL_OPEN);
	_cleanup_free_ char *until = clock_iso8601(job->record->until);
	_cleanup_record_ struct record record = {0};
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;

	record_setf(&record, "Build", "%" PRIu64, job->record->build);
	record_set(&record, "Old", job->record->old_system);
	record_set(&record, "New", job->record->new_system);
	record_set(&record, "Until", until);
	record_put(&out, &record);
	return write_file_over(path, 0644, out.text, out.len);
}

static int move_record(void *data)
{
	const struct file_job *job = data;
	_cleanup_free_ char *from = trial_path(job->settings, job->from);
	_cleanup_free_ char *to = trial_path(job->settings, job->suffix);

	return rename(from, to);
}

static int remove_record(void *data)
{
	const struct file_job *job = data;
	_cleanup_free_ char *path = trial_path(job->settings, job->suffix);

	return unlink(path);
}

int trial_decide(const struct settings *settings, const char *suffix)
{
	struct file_job job = {
		.settings = settings, .from = TRIAL_OPEN, .suffix = suffix};

	if (rights_call(move_record, &job) == 0)
		return 1;
	return errno == ENOENT ? 0 : -1;
}

struct by_job {
	const struct settings *settings;
	const char *by;
};

/* Before the word itself: who hears that knows who has spoken. */
static int write_by(void *data)
{
	const struct by_job *job = data;
	_cleanup_free_ char *path = trial_path(job->settings, BY);

	return write_file_over(path, 0644, job->by, strlen(job->by));
}

int trial_confirm(const struct settings *settings, const char *by)
{
	struct by_job job = {settings, by};

	(void)!rights_call(write_by, &job);
	return trial_decide(settings, TRIAL_CONFIRMED);
}

char *trial_confirmed_by(const struct settings *settings)
{
	_cleanup_free_ char *path = trial_path(settings, BY), *text = NULL;
	_cleanup_close_ int fd =
		open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	size_t len;

	if (fd < 0 || read_to_end(fd, AGENT_NAME_MAX, &text, &len) < 0 ||
		!agent_name_is_valid(text))
		return NULL;
	trial_forget(settings, BY);
	return TAKE_PTR(text);
}

void trial_forget(const struct settings *settings, const char *suffix)
{
	struct file_job job = {.settings = settings, .suffix = suffix};

	(void)!rights_call(remove_record, &job);
}

bool trial_is_there(const struct settings *settings, const char *suffix)
{
	_cleanup_free_ char *path = trial_path(settings, suffix);

	return access(path, F_OK) == 0;
}

static void stop_timer(const struct surroundings *surroundings, uint64_t build)
{
	_cleanup_free_ char *unit = xasprintf(UNIT "-%" PRIu64 ".timer", build);
	char *const argv[] = {
		(char[]){"systemctl"}, (char[]){"stop"}, (char[]){"--quiet"}, unit, NULL};
	_cleanup_free_ char *answer =
		child_output(argv, surroundings, SYSTEMD_MS, RECORD_MAX);
}

void trial_disarm(const struct run *run)
{
	stop_timer(&run->surroundings, run->build.number);
}

static bool arm_timer(const struct run *run)
{
	_cleanup_strv_ struct strv argv = {0};
	_cleanup_free_ char *self = realpath("/proc/self/exe", NULL), *answer = NULL;

	strv_add(&argv, "systemd-run");
	strv_add(&argv, "--quiet");
	strv_add(&argv, "--collect");
	strv_take(&argv, xasprintf("--unit=" UNIT "-%" PRIu64, run->build.number));
	strv_take(&argv, xasprintf("--on-active=%" PRId64 "ms", run->trial.confirm_ms));
	strv_add(&argv, "--timer-property=AccuracySec=100ms");
	strv_add(&argv, self ? self : "safe-rebuild");
	if (run->trial.settings_path) {
		strv_add(&argv, "--settings");
		strv_add(&argv, run->trial.settings_path);
	}
	strv_add(&argv, "confirm");
	strv_add(&argv, "--take-back");
	strv_take(&argv, xasprintf("%" PRIu64, run->build.number));
	answer = child_output(argv.words, &run->surroundings, SYSTEMD_MS, RECORD_MAX);
	return answer;
}

void trial_arm(struct run *run, const char *old_system, const char *new_system)
{
	_cleanup_trial_record_ struct trial_record record = {
		.build = run->build.number,
		.old_system = xstrdup(old_system),
		.new_system = xstrdup(new_system),
		.until = time(NULL) + (time_t)(run->trial.confirm_ms / 1000),
	};
	struct file_job job = {.settings = run->settings, .record = &record};

	if (run->trial.armed) {
		trial_disarm(run);
	} else {
		/* Of an earlier trial whose runner was killed: no word on this one. */
		trial_forget(run->settings, TRIAL_CONFIRMED);
		trial_forget(run->settings, TRIAL_EXPIRED);
		trial_forget(run->settings, TRIAL_TAKEN_BACK);
		trial_forget(run->settings, BY);
	}
	run->trial.armed = true;
	run->trial.until_ms = clock_boot_ms() + run->trial.confirm_ms;
	if (rights_call(write_record, &job) < 0)
		warn_errno("what waits to be confirmed cannot be noted in '%s'",
			run->settings->run_path);
	run->trial.has_timer = arm_timer(run);
	if (!run->trial.has_timer)
		warn("systemd's timer could not be armed: only this process takes the "
		     "new system back");
}

static char *root_path(const struct settings *settings)
{
	return xasprintf("%s/../gcroots/" UNIT, settings->profiles_path);
}

struct root_job {
	const struct settings *settings;
	const char *system;
};

static int make_root(void *data)
{
	const struct root_job *job = data;
	_cleanup_free_ char *path = root_path(job->settings);

	(void)unlink(path);
	return symlink(job->system, path);
}

static int remove_root(void *data)
{
	const struct root_job *job = data;
	_cleanup_free_ char *path = root_path(job->settings);

	return unlink(path);
}

void trial_hold_root(const struct settings *settings, const char *system)
{
	struct root_job job = {settings, system};

	if (rights_call(make_root, &job) < 0)
		warn_errno("the old system is not kept from garbage collection");
}

void trial_release_root(const struct settings *settings)
{
	struct root_job job = {settings, NULL};

	(void)!rights_call(remove_root, &job);
}

/*
 * A unit's PATH is systemd's own (on NixOS nothing but systemd's programs), so nothing is
 * looked up in it. Another's activation may hold NixOS' lock: then it is tried again.
 */
static void activate(struct child *child, const char *system)
{
	const int64_t end = clock_boot_ms() + LOCKED_MS;
	_cleanup_free_ char *script = xasprintf("%s/bin/switch-to-configuration", system);
	char *const argv[] = {script, (char[]){"test"}, NULL};
	int status;

	(void)setenv("NIXOS_INSTALL_BOOTLOADER", "0", 1);
	(void)setenv("NIXOS_NO_CHECK", "1", 1);
	child->program = script;
	child->argv = argv;
	do {
		status = child_run(child, WAY_BACK_MS);
		if (status == STATUS_LOCKED)
			(void)poll(NULL, 0, 1000);
	} while (status == STATUS_LOCKED && clock_boot_ms() < end);
	if (status < 0)
		error_errno("cannot run '%s'", script);
}

struct way_back {
	const struct settings *settings;
	const struct surroundings *surroundings;
	uint64_t build; /* of the timer */
};

/* Until the descriptor is closed nobody else goes back. -1: without, rather than not. */
static int lock_way_back(const struct settings *settings)
{
	_cleanup_free_ char *path = trial_path(settings, ".lock");
	const int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	say("waiting until what was on trial has been taken back");
	(void)flock(fd, LOCK_EX);
	return fd;
}

/* The file says ".expired" until it is done: one that is killed here is not forgotten. */
static void go_back(const struct way_back *way, const struct trial_record *record)
{
	struct file_job job = {.settings = way->settings,
		.from = TRIAL_EXPIRED,
		.suffix = TRIAL_TAKEN_BACK};
	struct child child = {.surroundings = way->surroundings,
		.stdio = {-1, STDERR_FILENO, STDERR_FILENO},
		.group = -1};
	_cleanup_strv_ struct strv stop = {0};

	steps_put_stop(&stop);
	child.program = stop.words[0];
	child.argv = stop.words;
	(void)!child_run(&child, WAY_BACK_MS);
	activate(&child, record->old_system);
	trial_release_root(way->settings);
	(void)!move_record(&job);
}

static int take_back(void *data)
{
	const struct way_back *way = data;
	_cleanup_close_ int lock = lock_way_back(way->settings);
	_cleanup_trial_record_ struct trial_record record = {0};

	trial_read(&record, way->settings, TRIAL_OPEN);
	if (record.build != way->build) {
		say("build %" PRIu64 " does not wait to be confirmed", way->build);
	} else if (trial_decide(way->settings, TRIAL_EXPIRED) <= 0) {
		say("build %" PRIu64 " was decided already", way->build);
	} else {
		say("build %" PRIu64 " was not confirmed: taking it back", way->build);
		go_back(way, &record);
	}
	return 0;
}

int trial_take_back(const struct settings *settings,
	const struct surroundings *surroundings, uint64_t build)
{
	struct way_back way = {settings, surroundings, build};

	(void)!rights_call(take_back, &way);
	return 0;
}

static int end_orphan(void *data)
{
	const struct way_back *way = data;
	_cleanup_close_ int lock = lock_way_back(way->settings);
	_cleanup_trial_record_ struct trial_record record = {0};
	const int decided = trial_decide(way->settings, TRIAL_EXPIRED);

	if (decided < 0)
		return -1;
	/* That of now, or one whose way back was killed. */
	trial_read(&record, way->settings, TRIAL_EXPIRED);
	if (!record.build)
		return 0;
	say("build %" PRIu64 " was on trial, and its runner was killed: taking it back",
		record.build);
	if (decided)
		stop_timer(way->surroundings, record.build);
	go_back(way, &record);
	return 0;
}

void trial_end_orphan(
	const struct settings *settings, const struct surroundings *surroundings)
{
	struct way_back way = {.settings = settings, .surroundings = surroundings};

	if ((trial_is_there(settings, TRIAL_OPEN) ||
		    trial_is_there(settings, TRIAL_EXPIRED)) &&
		rights_call(end_orphan, &way) < 0)
		warn_errno("a build is on trial whose runner was killed, and cannot be "
			   "taken back now");
}

bool trial_was_taken_back(const struct settings *settings, uint64_t build)
{
	_cleanup_trial_record_ struct trial_record record = {0};

	trial_read(&record, settings, TRIAL_TAKEN_BACK);
	return record.build == build;
}
