#include "run/health.h"

#include <fnmatch.h>
#include <inttypes.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "ledger/builds.h"
#include "run/steps.h"

/* The end of a check's output is kept and shown. */
#define TAIL_MAX 1000
#define TAIL_LINES 10
/* A check that prints more is killed. */
#define OUTPUT_MAX ((uint64_t)4 << 20)
#define DEADLINE_MS 5000
#define SETTLE_MS 10000
#define PAUSE_MS 500
/* A unit that crashes in a loop is mostly between two starts. */
#define UNWELL "failed,auto-restart"
#define ANSWER_MAX ((size_t)1 << 20)
/* A unit that was restarted this often is in a loop. */
#define LOOP 3
/* So many are named. */
#define NAMED_MAX 10

/* systemctl's answer to "list-units" or the like, NULL where there is none. */
static char *ask_systemctl(const struct run *run, const char *what, const char *states)
{
	_cleanup_free_ char *of = xasprintf("--state=%s", states ? states : "");
	_cleanup_strv_ struct strv argv = {0};

	strv_add_words(&argv, "systemctl", what, "--plain", "--no-legend", "--no-pager",
		states ? of : NULL);
	return child_output(argv.words, &run->surroundings, DEADLINE_MS, ANSWER_MAX);
}

/* Whether there was an answer. */
static bool read_units(struct strv *ret, const struct run *run, const char *states)
{
	_cleanup_free_ char *text = ask_systemctl(run, "list-units", states);
	const char *at = text, *line;
	size_t len;

	while (text && text_next_line(&at, text + strlen(text), &line, &len))
		if (len && *line != ' ')
			strv_take(ret, xstrndup(line, strcspn(line, " \n")));
	return text;
}

static bool may_activate(const struct run *run)
{
	const enum action action = run->request.action;

	return target_is_local(run->target.name) &&
	       (action == ACTION_SWITCH || action == ACTION_TEST);
}

/*
 * "NAME COUNT" of each service that systemd itself has started again, so often since
 * anybody else did: a crash loop is not seen by its state alone. systemctl says one
 * property a line, in no order that is promised, with an empty line between two units.
 */
static void read_restarts(struct strv *ret, const struct run *run)
{
	char *const argv[] = {(char[]){"systemctl"}, (char[]){"show"},
		(char[]){"--property=Id,NRestarts"}, (char[]){"*.service"}, NULL};
	_cleanup_free_ char *text =
		child_output(argv, &run->surroundings, DEADLINE_MS, ANSWER_MAX);
	_cleanup_free_ char *name = NULL;
	const char *at = text, *line;
	uint64_t count = 0;
	size_t len;

	while (text && text_next_line(&at, text + strlen(text), &line, &len)) {
		_cleanup_free_ char *property = xstrndup(line, len);

		if (starts_with(property, "Id="))
			set_string(&name, xstrdup(property + strlen("Id=")));
		else if (starts_with(property, "NRestarts="))
			(void)text_to_number(
				property + strlen("NRestarts="), UINT64_MAX, &count);
		if (len && *at)
			continue;
		if (name && count)
			strv_take(ret, xasprintf("%s %" PRIu64, name, count));
		set_string(&name, NULL);
		count = 0;
	}
}

void units_read_before(struct units_before *ret, const struct run *run)
{
	if (!may_activate(run))
		return;
	(void)read_units(&ret->failed, run, UNWELL);
	if (run->settings->health_units)
		read_restarts(&ret->restarted, run);
}

/* The count of the unit that the entry (or the name) is about; 0: not in the list. */
static uint64_t count_of(const struct strv *restarts, const char *entry)
{
	const size_t len = strcspn(entry, " ");

	for (size_t i = 0; i < restarts->len; i++)
		if (strcspn(restarts->words[i], " ") == len &&
			strncmp(restarts->words[i], entry, len) == 0)
			return strtoull(restarts->words[i] + len, NULL, 10);
	return 0;
}

/*
 * Names those that have failed since; and those between two starts, where systemd had not
 * started them again before. False where systemctl gives no answer within [health]
 * timeout.
 */
static bool read_unwell(
	struct strv *ret, const struct run *run, const struct units_before *before)
{
	const int64_t end = clock_boot_ms() + run->settings->health_timeout_ms;
	_cleanup_strv_ struct strv failed = {0}, between = {0};

	/* systemd does not answer while it reloads its units. */
	while (!read_units(&failed, run, "failed") ||
		!read_units(&between, run, "auto-restart")) {
		if (clock_boot_ms() >= end)
			return false;
		strv_free(&failed);
		clock_sleep_ms(PAUSE_MS);
	}
	for (size_t i = 0; i < failed.len; i++)
		if (!strv_has(&before->failed, failed.words[i]))
			strv_add(ret, failed.words[i]);
	for (size_t i = 0; i < between.len; i++)
		if (!strv_has(&before->failed, between.words[i]) &&
			!count_of(&before->restarted, between.words[i]))
			strv_add(ret, between.words[i]);
	return true;
}

/*
 * Names those that were started again between the two lists, unless that is nothing new:
 * they were in a loop before the run, or kept restarting up to the first list.
 */
static void find_loops(struct strv *ret, const struct units_before *before,
	const struct strv *first, const struct strv *second)
{
	for (size_t i = 0; i < second->len; i++) {
		const char *unit = second->words[i];
		const uint64_t old = count_of(&before->restarted, unit);
		const bool went_on = old && count_of(first, unit) > old;

		if (!strv_has(first, unit) && old < LOOP && !went_on)
			strv_take(ret, xstrndup(unit, strcspn(unit, " ")));
	}
}

static bool have_jobs(const struct run *run)
{
	_cleanup_free_ char *text = ask_systemctl(run, "list-jobs", NULL);

	return text && *text && !strstr(text, "No jobs");
}

/* The oldest of the last builds in a row after which it had failed. */
static bool find_first(struct build *ret, const struct run *run, const char *unit)
{
	struct build_walk walk = builds_walk(run->ledger, run->target.name);
	_cleanup_build_ struct build at = BUILD_INIT;

	while (builds_next(&at, &walk) > 0) {
		_cleanup_strv_ struct strv failed = {0};

		if (!build_took_effect(&at) && !at.failed_units)
			continue;
		failed = strv_split(at.failed_units, " ");
		if (!strv_has(&failed, unit))
			break;
		build_free(ret);
		*ret = at;
		at = (struct build)BUILD_INIT;
	}
	return ret->number;
}

static void say_old(const struct run *run, const char *unit)
{
	_cleanup_build_ struct build first = BUILD_INIT;

	if (run->ledger && find_first(&first, run, unit))
		say("%s had already failed before this run, since build %" PRIu64
		    " by %s",
			unit, first.number, first.agent);
	else
		say("%s had already failed before this run", unit);
}

void units_compare(struct run *run, const struct units_before *before)
{
	_cleanup_strv_ struct strv now = {0};
	size_t named = 0;

	if (!may_activate(run) || !read_units(&now, run, "failed") || !now.len)
		return;
	set_string(&run->build.failed_units, text_shell_words(now.words));
	for (size_t i = 0; i < now.len && named < NAMED_MAX; i++) {
		const bool is_old = strv_has(&before->failed, now.words[i]);

		if (is_old && !run->build.exit_status)
			continue;
		named++;
		if (is_old)
			say_old(run, now.words[i]);
		else
			say("%s has failed since this run began: systemctl status %s",
				now.words[i], now.words[i]);
	}
	if (now.len > NAMED_MAX)
		say("%zu units have failed: systemctl --failed", now.len);
}

/* The last lines of what was written since then. */
static char *read_tail(const struct output *output, uint64_t since)
{
	const uint64_t from =
		output->written > since + TAIL_MAX ? output->written - TAIL_MAX : since;
	char text[TAIL_MAX + 1];
	const ssize_t got = pread(
		output->source, text, (size_t)(output->written - from), (off_t)from);
	size_t start = got > 0 ? (size_t)got : 0;

	text[start] = '\0';
	for (unsigned lines = 0; start > 0; start--)
		if (text[start - 1] == '\n' && text[start] && ++lines == TAIL_LINES)
			break;
	return xstrdup(text + start);
}

static void say_lines(const char *text)
{
	const char *at = text, *line;
	size_t len;

	while (text_next_line(&at, text + strlen(text), &line, &len))
		say("  %.*s", (int)len, line);
}

static char *run_check(
	struct supervision *supervision, struct run *run, const char *old_system)
{
	const struct strv *command = &run->settings->health_check;
	const uint64_t since = supervision->output->written;
	_cleanup_free_ char *timeout = NULL, *tail = NULL;
	_cleanup_strv_ struct strv argv = {0};
	int status;

	strv_add(&argv, "env");
	strv_take(&argv, xasprintf("SAFE_REBUILD_BUILD=%" PRIu64, run->build.number));
	strv_take(&argv, xasprintf("SAFE_REBUILD_OLD_SYSTEM=%s", old_system));
	strv_add_all(&argv, command->words);
	supervision->deadline_ms = run->settings->health_timeout_ms;
	supervision->output_max = since + OUTPUT_MAX;
	status = step_run(supervision, &argv);
	supervision->deadline_ms = 0;
	supervision->output_max = 0;
	if (status == 0)
		return NULL;
	tail = read_tail(supervision->output, since);
	if (run->streams.brief)
		say_lines(tail);
	set_string(&run->build.check_output, TAKE_PTR(tail));
	if (supervision->flooded)
		return xstrdup("its check printed more than 4 MB");
	timeout = clock_duration(run->settings->health_timeout_ms / 1000);
	if (status == EXIT_CANNOT_RUN || status == EXIT_NOT_FOUND)
		return xasprintf("its check '%s' cannot be run", command->words[0]);
	return supervision->timed_out
		       ? xasprintf("its check took longer than %s", timeout)
		       : xasprintf("its check failed with exit status %d", status);
}

static bool is_ignored(const struct settings *settings, const char *unit)
{
	for (size_t i = 0; i < settings->health_ignore.len; i++)
		if (fnmatch(settings->health_ignore.words[i], unit, FNM_NOESCAPE) == 0)
			return true;
	return false;
}

/* Units are not judged while they are starting or stopping. */
static void wait_for_jobs(const struct run *run)
{
	const int64_t end = clock_boot_ms() + run->settings->health_timeout_ms;

	while (have_jobs(run) && clock_boot_ms() < end)
		clock_sleep_ms(PAUSE_MS);
}

static char *name_units(const struct run *run, const struct strv *units, const char *what)
{
	_cleanup_strv_ struct strv bad = {0};
	_cleanup_free_ char *names = NULL;

	for (size_t i = 0; i < units->len; i++)
		if (!is_ignored(run->settings, units->words[i]))
			strv_add(&bad, units->words[i]);
	if (!bad.len)
		return NULL;
	names = strv_join(&bad, " ");
	return xasprintf("%s: %.*s", what, (int)text_cut(names, 300), names);
}

static char *look_at_units(const struct run *run, const struct units_before *before)
{
	_cleanup_strv_ struct strv first = {0}, second = {0}, failed = {0}, loops = {0};
	char *why;

	wait_for_jobs(run);
	read_restarts(&first, run);
	clock_sleep_ms(SETTLE_MS);
	if (!read_unwell(&failed, run, before))
		return xstrdup("systemctl does not answer, so whether units have failed "
			       "is not known");
	read_restarts(&second, run);
	why = name_units(run, &failed, "units have failed");
	if (why)
		return why;
	find_loops(&loops, before, &first, &second);
	return name_units(run, &loops, "units are started again and again");
}

char *health_check(struct supervision *supervision, struct run *run,
	const struct units_before *units_before, const char *old_system)
{
	char *why = NULL;

	if (run->settings->health_check.len)
		why = run_check(supervision, run, old_system);
	if (!why && run->settings->health_units)
		why = look_at_units(run, units_before);
	return why;
}
