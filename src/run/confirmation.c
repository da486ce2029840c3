#include "run/confirmation.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/rights.h"
#include "record/record.h"

#define RECORD_MAX ((size_t)64 << 10)
#define SYSTEMD_MS 10000
#define UNIT "safe-rebuild-trial"
#define BY ".by"

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

/* Written before the rename, so that who sees that can read the name. */
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

void trial_stop_timer(const struct surroundings *surroundings, uint64_t build)
{
	_cleanup_free_ char *unit = xasprintf(UNIT "-%" PRIu64 ".timer", build);
	char *const argv[] = {
		(char[]){"systemctl"}, (char[]){"stop"}, (char[]){"--quiet"}, unit, NULL};
	_cleanup_free_ char *answer =
		child_output(argv, surroundings, SYSTEMD_MS, RECORD_MAX);
}

static bool arm_timer(const struct run *run, int64_t ms)
{
	_cleanup_strv_ struct strv argv = {0};
	_cleanup_free_ char *self = realpath("/proc/self/exe", NULL), *answer = NULL;

	strv_add(&argv, "systemd-run");
	strv_add(&argv, "--quiet");
	strv_add(&argv, "--collect");
	strv_take(&argv, xasprintf("--unit=" UNIT "-%" PRIu64, run->build.number));
	strv_take(&argv, xasprintf("--on-active=%" PRId64 "ms", ms));
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

void trial_arm(struct run *run, const char *new_system, int64_t ms)
{
	_cleanup_trial_record_ struct trial_record record = {
		.build = run->build.number,
		.old_system = xstrdup(run->trial.old_system),
		.new_system = xstrdup(new_system),
		.until = ms ? time(NULL) + (time_t)(ms / 1000) : 0,
	};
	struct file_job job = {.settings = run->settings, .record = &record};

	if (run->trial.armed && ms) {
		trial_stop_timer(&run->surroundings, run->build.number);
	} else {
		/* Left by an earlier trial whose runner was killed. */
		trial_forget(run->settings, TRIAL_CONFIRMED);
		trial_forget(run->settings, TRIAL_EXPIRED);
		trial_forget(run->settings, TRIAL_TAKEN_BACK);
		trial_forget(run->settings, BY);
	}
	run->trial.armed = true;
	run->trial.until_ms = clock_boot_ms() + ms;
	if (rights_call(write_record, &job) < 0)
		warn_errno("cannot note what waits to be confirmed in '%s'",
			run->settings->run_path);
	run->trial.has_timer = ms && arm_timer(run, ms);
	if (ms && !run->trial.has_timer)
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

void trial_note_taken_back(const struct settings *settings)
{
	struct file_job job = {
		.settings = settings, .from = TRIAL_EXPIRED, .suffix = TRIAL_TAKEN_BACK};

	(void)!rights_call(move_record, &job);
}

bool trial_was_taken_back(const struct settings *settings, uint64_t build)
{
	_cleanup_trial_record_ struct trial_record record = {0};

	trial_read(&record, settings, TRIAL_TAKEN_BACK);
	return record.build == build;
}

bool trial_is_superseded(
	const struct settings *settings, const char *old_system, const char *new_system)
{
	_cleanup_free_ char *runs = read_link_at(AT_FDCWD, settings->current_system_path);

	return new_system && *new_system == '/' && runs && !streq(runs, new_system) &&
	       !streq(runs, old_system);
}
