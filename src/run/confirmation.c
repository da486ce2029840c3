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
	_cleanup_record_ struct record record = {0};
	const char *until;
	size_t len;

	*ret = (struct trial_record){0};
	if (read_file(path, RECORD_MAX, &text, &len, NULL) < 0)
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

static int write_record(const struct settings *settings, const struct trial_record *trial)
{
	_cleanup_free_ char *path = trial_path(settings, TRIAL_OPEN);
	_cleanup_free_ char *until = clock_iso8601(trial->until);
	_cleanup_record_ struct record record = {0};
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;

	record_setf(&record, "Build", "%" PRIu64, trial->build);
	record_set(&record, "Old", trial->old_system);
	record_set(&record, "New", trial->new_system);
	record_set(&record, "Until", until);
	record_put(&out, &record);
	return rights_write_over(path, out.text);
}

static int rename_record(
	const struct settings *settings, const char *from, const char *to)
{
	_cleanup_free_ char *old = trial_path(settings, from);
	_cleanup_free_ char *new = trial_path(settings, to);

	return rights_rename(old, new);
}

int trial_decide(const struct settings *settings, const char *suffix)
{
	if (rename_record(settings, TRIAL_OPEN, suffix) == 0)
		return 1;
	return errno == ENOENT ? 0 : -1;
}

int trial_confirm(const struct settings *settings, const char *by)
{
	_cleanup_free_ char *path = trial_path(settings, BY);

	/* Written before the rename, so that whoever sees the new name can read this. */
	(void)!rights_write_over(path, by);
	return trial_decide(settings, TRIAL_CONFIRMED);
}

char *trial_confirmed_by(const struct settings *settings)
{
	_cleanup_free_ char *path = trial_path(settings, BY), *text = NULL;

	if (read_file(path, AGENT_NAME_MAX, &text, NULL, NULL) < 0 ||
		!agent_name_is_valid(text))
		return NULL;
	trial_forget(settings, BY);
	return TAKE_PTR(text);
}

void trial_forget(const struct settings *settings, const char *suffix)
{
	_cleanup_free_ char *path = trial_path(settings, suffix);

	(void)!rights_unlink(path);
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

	strv_add_words(&argv, "systemd-run", "--quiet", "--collect");
	strv_take(&argv, xasprintf("--unit=" UNIT "-%" PRIu64, run->build.number));
	strv_take(&argv, xasprintf("--on-active=%" PRId64 "ms", ms));
	strv_add_words(&argv, "--timer-property=AccuracySec=100ms",
		self ? self : "safe-rebuild");
	if (run->trial.settings_path)
		strv_add_words(&argv, "--settings", run->trial.settings_path);
	strv_add_words(&argv, "confirm", "--take-back");
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
	if (write_record(run->settings, &record) < 0)
		warn_errno("cannot write the trial's record in '%s'",
			run->settings->run_path);
	run->trial.has_timer = ms && arm_timer(run, ms);
	if (ms && !run->trial.has_timer)
		warn("systemd's timer could not be armed: if this process is killed, "
		     "only the next run takes the new system back");
}

static char *root_path(const struct settings *settings)
{
	return xasprintf("%s/../gcroots/" UNIT, settings->profiles_path);
}

void trial_hold_root(const struct settings *settings, const char *system)
{
	_cleanup_free_ char *path = root_path(settings);

	if (rights_symlink_over(system, path) < 0)
		warn_errno("cannot protect the old system from garbage collection");
}

void trial_release_root(const struct settings *settings)
{
	_cleanup_free_ char *path = root_path(settings);

	(void)!rights_unlink(path);
}

void trial_note_taken_back(const struct settings *settings)
{
	(void)!rename_record(settings, TRIAL_EXPIRED, TRIAL_TAKEN_BACK);
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
