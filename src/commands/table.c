#include "commands/table.h"

#include <sys/ioctl.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "caller/caller.h"

#define ROW "%5s  %-14s %-20s %-8s "
#define OUTCOME_WIDTH 11
#define REST " %6s %9s  "
/* What all columns but the last take. */
#define COLUMNS 82

bool table_is_wanted(struct table *ret, const struct own_options *options)
{
	_cleanup_caller_ struct caller caller = {0};
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
	struct winsize size = {0};

	if (!isatty(STDOUT_FILENO) ||
		caller_identify(
			&caller, options->agent_is_option ? NULL : options->agent) < 0 ||
		caller.is_agent)
		return false;
	(void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	*ret = (struct table){
		.colour = !(no_colour && *no_colour) && term && !streq(term, "dumb"),
		.width = size.ws_col,
	};
	return true;
}

static const char *colour_of(const char *outcome)
{
	if (streq(outcome, "succeeded"))
		return "\033[32m";
	if (streq(outcome, "failed") || streq(outcome, "partly"))
		return "\033[31m";
	return "\033[33m";
}

void table_print_head(const struct table *table)
{
	printf("%s" ROW "%-*s" REST "%s%s\n", table->colour ? "\033[1m" : "", "build",
		"when", "agent", "action", OUTCOME_WIDTH, "outcome", "gen", "took",
		"message", table->colour ? "\033[0m" : "");
}

/* Whoever called chose the words. */
static char *get(const struct record *build, const char *key)
{
	const char *value = record_get(build, key);

	return value ? text_clean(value, strlen(value)) : xstrdup("");
}

/* As much of the message as the line has room for. */
static void print_message(const struct table *table, const char *message)
{
	const size_t room = table->width > COLUMNS + 20 ? table->width - COLUMNS : 40;
	_cleanup_free_ char *quoted = *message ? text_quote(message, room - 5) : NULL;

	printf("%s\n", quoted ? quoted : "");
}

void table_print_build(const struct table *table, const struct record *build)
{
	const time_t started = record_get_time(build, "Started");
	const time_t finished = record_get_time(build, "Finished");
	_cleanup_free_ char *number = get(build, "Build"), *agent = get(build, "Agent");
	_cleanup_free_ char *action = get(build, "Action");
	_cleanup_free_ char *outcome = get(build, "Outcome");
	_cleanup_free_ char *generation = get(build, "Generation");
	_cleanup_free_ char *message = get(build, "Message");
	_cleanup_free_ char *when = clock_age(finished ? finished : started);
	_cleanup_free_ char *took =
		clock_duration((finished ? finished : time(NULL)) - started);

	printf(ROW, number, when, agent, action);
	printf("%s%-*s%s", table->colour ? colour_of(outcome) : "", OUTCOME_WIDTH,
		outcome, table->colour ? "\033[0m" : "");
	printf(REST, generation, took);
	print_message(table, message);
}
