#include "run/units.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "ledger/builds.h"

#define DEADLINE_MS 5000
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
	const char *const words[] = {"systemctl", what, "--plain", "--no-legend",
		"--no-pager", states ? of : NULL};
	_cleanup_strv_ struct strv argv = {0};

	for (size_t i = 0; i < ARRAY_LEN(words) && words[i]; i++)
		strv_add(&argv, words[i]);
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

void units_read_before(struct units_before *ret, const struct run *run)
{
	if (!may_activate(run))
		return;
	(void)read_units(&ret->failed, run, UNWELL);
	if (run->settings->health_units)
		units_read_restarts(&ret->restarted, run);
}

/* One property a line, in no order that is promised, an empty line between two units. */
void units_read_restarts(struct strv *ret, const struct run *run)
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

static void read_failed(struct strv *ret, const struct run *run)
{
	if (may_activate(run))
		(void)read_units(ret, run, "failed");
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

bool units_read_unwell(
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

void units_find_loops(struct strv *ret, const struct units_before *before,
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

bool units_have_jobs(const struct run *run)
{
	_cleanup_free_ char *text = ask_systemctl(run, "list-jobs", NULL);

	return text && *text && !strstr(text, "No jobs");
}

/* Whether the words of a record name the unit. */
static bool names_unit(const char *words, const char *unit)
{
	const size_t len = strlen(unit);

	for (const char *at = words; (at = strstr(at, unit)); at += len)
		if ((at == words || at[-1] == ' ') && (at[len] == '\0' || at[len] == ' '))
			return true;
	return false;
}

/* The oldest of the last builds in a row after which it had failed. */
static int find_first(struct build *ret, const struct run *run, const char *unit)
{
	struct build_walk walk = builds_walk(run->ledger, run->target.name);
	_cleanup_build_ struct build at = BUILD_INIT;

	while (builds_next(&at, &walk) > 0) {
		if (!build_took_effect(&at) && !at.failed_units)
			continue;
		if (!at.failed_units || !names_unit(at.failed_units, unit))
			break;
		build_free(ret);
		*ret = at;
		at = (struct build)BUILD_INIT;
	}
	return ret->number ? 1 : 0;
}

static void say_old(const struct run *run, const char *unit)
{
	_cleanup_build_ struct build first = BUILD_INIT;

	if (run->ledger && find_first(&first, run, unit) > 0)
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

	read_failed(&now, run);
	if (!now.len)
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
