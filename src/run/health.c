#include "run/health.h"

#include <fnmatch.h>
#include <inttypes.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "run/steps.h"

/* The end of a check's output is kept and shown. */
#define TAIL_MAX 1000
#define TAIL_LINES 10
/* A check that prints more is killed. */
#define OUTPUT_MAX ((uint64_t)4 << 20)
#define SETTLE_MS 10000
#define PAUSE_MS 500

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
	for (size_t i = 0; i < command->len; i++)
		strv_add(&argv, command->words[i]);
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

	while (units_have_jobs(run) && clock_boot_ms() < end)
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
	units_read_restarts(&first, run);
	clock_sleep_ms(SETTLE_MS);
	if (!units_read_unwell(&failed, run, before))
		return xstrdup("systemctl does not answer, so whether units have failed "
			       "is not known");
	units_read_restarts(&second, run);
	why = name_units(run, &failed, "units have failed");
	if (why)
		return why;
	units_find_loops(&loops, before, &first, &second);
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
