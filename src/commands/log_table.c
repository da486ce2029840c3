#include "commands/log_table.h"

#include <inttypes.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/strbuf.h"
#include "base/text.h"

#define INDENT 7
#define AGENT_WIDTH 20
#define AGENT_WIDTH_MIN 8
#define ACTION_WIDTH 12
/* The columns of every table, and those of a wide one without the remarks. */
#define NARROW_WIDTH 67
#define LEAST_WIDTH (NARROW_WIDTH - AGENT_WIDTH + AGENT_WIDTH_MIN)
#define WIDE_WIDTH 86
#define REMARKS_WIDTH_MIN 30
/* Of a terminal that does not tell. */
#define USUAL_WIDTH 80

bool log_table_is_wanted(struct log_table *ret, const struct caller *caller)
{
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
	struct winsize size = {0};

	if (!isatty(STDOUT_FILENO) || caller->is_agent)
		return false;
	(void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	*ret = (struct log_table){
		.in_colour = !(no_colour && *no_colour) && term && !streq(term, "dumb"),
		.width = size.ws_col ? size.ws_col : USUAL_WIDTH,
	};
	if (ret->width < LEAST_WIDTH)
		ret->width = LEAST_WIDTH; /* rows wrap there */
	return true;
}

static bool is_wide(const struct log_table *table)
{
	return table->width >= WIDE_WIDTH + REMARKS_WIDTH_MIN;
}

static size_t agent_width(const struct log_table *table)
{
	return table->width < NARROW_WIDTH ? AGENT_WIDTH - (NARROW_WIDTH - table->width)
					   : AGENT_WIDTH;
}

static const char *colour_of(enum outcome outcome)
{
	if (outcome == OUTCOME_SUCCEEDED)
		return "\033[32m";
	if (outcome == OUTCOME_FAILED || outcome == OUTCOME_PARTLY)
		return "\033[31m";
	return "\033[33m";
}

static void put_cell(const char *text, size_t width)
{
	const size_t len = text_cut(text, width);

	if (text[len])
		printf("%.*s... ", (int)text_cut(text, width - 3), text);
	else
		printf("%-*s ", (int)width, text);
}

void log_table_head(const struct log_table *table)
{
	printf("%s%5s  %-14s %-*s %-*s %-11s", table->in_colour ? "\033[1m" : "", "build",
		"when", (int)agent_width(table), "agent", ACTION_WIDTH, "action",
		"outcome");
	printf("%s%s\n", is_wide(table) ? "   gen       took  remarks" : "",
		table->in_colour ? "\033[0m" : "");
}

/* What the columns had no room for, and the remarks: they are cut, never wrapped. */
static void put_remarks(const struct log_table *table, const struct build *build,
	const char *took, const char *remarks)
{
	const size_t room = table->width - (is_wide(table) ? WIDE_WIDTH : INDENT);
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	size_t len;

	if (strlen(build->agent) > agent_width(table))
		strbuf_printf(&out, "; %s", build->agent);
	if (!is_wide(table))
		strbuf_printf(&out, "; took %s", took);
	if (!is_wide(table) && build->generation)
		strbuf_printf(&out, ", generation %" PRIu64, build->generation);
	if (*remarks)
		strbuf_printf(&out, "; %s", remarks);
	len = text_cut(out.text, room - 1); /* with the "; " that is left out */
	if (out.len > 2)
		printf("%.*s%s", (int)len - 2, out.text + 2, out.text[len] ? "..." : "");
}

void log_table_row(const struct log_table *table, const struct build *build,
	enum outcome outcome, const char *remarks)
{
	const time_t end = build->finished ? build->finished : time(NULL);
	const char *word = build->action ? build->action : "";
	_cleanup_free_ char *when =
		clock_age(build->finished ? build->finished : build->started);
	_cleanup_free_ char *took = clock_duration(end - build->started);
	_cleanup_free_ char *action = text_clean(word, strlen(word));
	_cleanup_free_ char *generation =
		build->generation ? xasprintf("%" PRIu64, build->generation) : NULL;

	printf("%5" PRIu64 "  %-14s ", build->number, when);
	put_cell(build->agent, agent_width(table));
	put_cell(action, ACTION_WIDTH);
	printf("%s%-11s%s", table->in_colour ? colour_of(outcome) : "",
		outcome_words[outcome], table->in_colour ? "\033[0m" : "");
	if (is_wide(table))
		printf(" %5s %10s  ", generation ? generation : "", took);
	else
		printf("\n%*s", INDENT, "");
	put_remarks(table, build, took, remarks);
	putchar('\n');
}
