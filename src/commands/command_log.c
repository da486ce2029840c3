#include <inttypes.h>
#include <limits.h>
#include <sys/ioctl.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "caller/caller.h"
#include "changes/describe.h"
#include "commands/command.h"
#include "commands/json.h"
#include "commands/paths.h"
#include "ledger/names.h"
#include "rebuild/configuration.h"

#define DEFAULT_COUNT 20
/* The table for a person at a terminal; what all its columns but the last take. */
#define COLUMNS 82

struct filter {
	const char *agent, *action, *outcome, *path; /* NULL: any */
	time_t since;
};

struct listing {
	struct ledger *ledger;
	struct filter filter;
	unsigned left; /* so many more */
	unsigned printed;
	json_t *list;            /* NULL: text */
	bool as_table;           /* for a person, never for an agent */
	bool in_colour;          /* not where NO_COLOR is set (no-color.org) */
	size_t width;            /* of the terminal */
	struct strv rolled_back; /* numbers of builds that later ones have taken out */
	struct strv by;          /* ... and of those */
};

static bool is_value(const char *value, const char *wanted)
{
	return !wanted || (value && streq(value, wanted));
}

/* Whether the path became another one with this build: against the one before of its
 * target. */
static bool changed_path(
	struct ledger *ledger, const struct build *build, const char *path)
{
	struct build_walk walk = builds_walk_before(ledger, build);
	_cleanup_build_ struct build before = BUILD_INIT;
	git_oid now, then = {0};

	if (!build_has_snapshot(build) ||
		ledger_path_id(&now, ledger, &build->tree, path) < 0)
		return false;
	if (builds_next(&before, &walk) > 0 &&
		ledger_path_id(&then, ledger, &before.tree, path) < 0)
		return false;
	return !git_oid_equal(&now, &then);
}

static bool is_wanted(const struct listing *listing, const struct build *build)
{
	const struct filter *filter = &listing->filter;

	return is_value(build->agent, filter->agent) &&
	       is_value(build->action, filter->action) &&
	       is_value(outcome_word(build->outcome), filter->outcome) &&
	       (!filter->since || !build->finished || build->finished >= filter->since) &&
	       (!filter->path || changed_path(listing->ledger, build, filter->path));
}

static bool wants_table(struct listing *listing, const struct caller *caller)
{
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
	struct winsize size = {0};

	if (!isatty(STDOUT_FILENO) || caller->is_agent)
		return false;
	(void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	listing->in_colour = !(no_colour && *no_colour) && term && !streq(term, "dumb");
	listing->width = size.ws_col;
	return true;
}

static const char *colour_of(enum outcome outcome)
{
	if (outcome == OUTCOME_SUCCEEDED)
		return "\033[32m";
	if (outcome == OUTCOME_FAILED || outcome == OUTCOME_PARTLY)
		return "\033[31m";
	return "\033[33m";
}

static void note_rolled_back(struct listing *listing, const struct build *build)
{
	_cleanup_free_ char *names =
		xstrdup(build->rolled_back ? build->rolled_back : "");
	char *rest = NULL;

	for (const char *name = strtok_r(names, ",", &rest); name;
		name = strtok_r(NULL, ",", &rest)) {
		strv_add(&listing->rolled_back, name);
		strv_take(&listing->by, xasprintf("%" PRIu64, build->number));
	}
}

/* The number of the build that has taken this one out; NULL: none has. */
static const char *rolled_back_by(
	const struct listing *listing, const struct build *build)
{
	_cleanup_free_ char *number = xasprintf("%" PRIu64, build->number);

	for (size_t i = 0; i < listing->rolled_back.len; i++)
		if (streq(listing->rolled_back.words[i], number))
			return listing->by.words[i];
	return NULL;
}

static void print_head(const struct listing *listing)
{
	printf("%s%5s  %-14s %-20s %-8s %-11s %6s %9s  message%s\n",
		listing->in_colour ? "\033[1m" : "", "build", "when", "agent", "action",
		"outcome", "gen", "took", listing->in_colour ? "\033[0m" : "");
}

static void print_row(const struct listing *listing, const struct build *build)
{
	const size_t room = listing->width > COLUMNS + 20 ? listing->width - COLUMNS : 40;
	const time_t end = build->finished ? build->finished : time(NULL);
	const char *action = build->action ? build->action : "";
	_cleanup_free_ char *when =
		clock_age(build->finished ? build->finished : build->started);
	_cleanup_free_ char *took = clock_duration(end - build->started);
	_cleanup_free_ char *clean_action = text_clean(action, strlen(action));
	_cleanup_free_ char *message =
		build->message ? text_quote(build->message, room - 5) : NULL;
	_cleanup_free_ char *generation =
		build->generation ? xasprintf("%" PRIu64, build->generation) : NULL;

	const enum outcome outcome =
		rolled_back_by(listing, build) ? OUTCOME_ROLLED_BACK : build->outcome;

	printf("%5" PRIu64 "  %-14s %-20s %-8s %s%-11s%s %6s %9s  %s\n", build->number,
		when, build->agent, clean_action,
		listing->in_colour ? colour_of(outcome) : "", outcome_word(outcome),
		listing->in_colour ? "\033[0m" : "", generation ? generation : "", took,
		message ? message : "");
}

static void put_build(struct listing *listing, const struct build *build)
{
	const char *by = rolled_back_by(listing, build);
	_cleanup_free_ char *line = NULL;
	json_t *object;

	listing->printed++;
	if (listing->list) {
		object = json_build(build);
		if (by)
			json_object_set_new(object, "rolled_back_by",
				json_integer(strtoll(by, NULL, 10)));
		json_array_append_new(listing->list, object);
	} else if (listing->as_table) {
		print_row(listing, build);
	} else {
		line = describe_build(build);
		answer("%s%s%s", line, by ? "; rolled back by build " : "", by ? by : "");
	}
}

static int put_running(struct listing *listing)
{
	_cleanup_builds_ struct builds running = {0};

	if (builds_running(&running, listing->ledger) < 0)
		return -1;
	for (size_t i = running.len; i-- > 0;)
		if (is_wanted(listing, &running.list[i]) && !listing->filter.path)
			put_build(listing, &running.list[i]);
	return 0;
}

/* What is running first, then what has ended, newest first. */
static int put_builds(struct listing *listing)
{
	struct build_walk walk = builds_walk(listing->ledger, NULL);
	_cleanup_build_ struct build build = BUILD_INIT;
	int found = put_running(listing);

	walk.left = UINT_MAX;
	while (found >= 0 && listing->left && (found = builds_next(&build, &walk)) > 0) {
		/* Builds join the chain when they finish: all before are older still. */
		if (build.finished < listing->filter.since)
			break;
		note_rolled_back(listing, &build);
		if (!is_wanted(listing, &build))
			continue;
		put_build(listing, &build);
		listing->left--;
	}
	return found < 0 ? EXIT_OWN_FAILURE : 0;
}

/* "2h" ago, or a day or time as records have it. */
static bool parse_since(time_t *ret, const char *text)
{
	_cleanup_free_ char *midnight = xasprintf("%sT00:00:00+00:00", text);
	int64_t ms;

	if (clock_parse_duration(text, &ms) && ms != FOREVER_MS) {
		*ret = time(NULL) - (time_t)(ms / 1000);
		return true;
	}
	return clock_parse_iso8601(text, ret) || clock_parse_iso8601(midnight, ret);
}

static int list(struct listing *listing, bool json)
{
	json_t *object = json ? json_answer() : NULL;
	int status = 0;

	if (json) {
		listing->list = json_array();
		json_object_set_new(object, "builds", listing->list);
	}
	if (listing->as_table)
		print_head(listing);
	if (listing->ledger)
		status = put_builds(listing);
	if (json && !status)
		return json_print(object);
	json_decref(object);
	return status;
}

static char *path_of(const char *word)
{
	_cleanup_configuration_ struct configuration configuration = {0};
	const struct request request = {.action = ACTION_SWITCH};

	if (!word)
		return NULL;
	configuration_find_here(&configuration, &request);
	return path_in_configuration(configuration.root ? configuration.root : "/", word);
}

static int log_command(const struct context *context,
	const struct command_options *options, const struct strv *words)
{
	const struct own_options *own = context->options;
	_cleanup_caller_ struct caller caller = {0};
	_cleanup_ledger_ struct ledger *ledger = NULL;
	_cleanup_free_ char *path = path_of(options->path);
	struct listing listing = {
		.filter =
			{
				.agent = own->agent_is_option ? own->agent : NULL,
				.action = options->action,
				.outcome = options->outcome,
				.path = path,
			},
		.left = options->count ? options->count : DEFAULT_COUNT,
	};
	int status;

	(void)words;
	if (options->since && !parse_since(&listing.filter.since, options->since)) {
		error("--since: '%s' is neither a duration such as 2h nor a day such as "
		      "2026-11-22",
			options->since);
		return EXIT_USAGE;
	}
	/* --agent says whose builds, not who asks. */
	if (command_enter(&caller, context, own->agent_is_option ? NULL : own->agent) < 0)
		return EXIT_USAGE;
	if (ledger_open(&ledger, context->settings) < 0)
		return EXIT_OWN_FAILURE;
	if (!ledger && !options->json) {
		say("nothing is recorded yet in '%s'", context->settings->state_path);
		return 0;
	}
	listing.ledger = ledger;
	listing.as_table = !options->json && wants_table(&listing, &caller);
	status = list(&listing, options->json);
	strv_free(&listing.rolled_back);
	strv_free(&listing.by);
	if (!status && listing.printed == 0 && !options->json)
		say("no such builds are recorded");
	return status;
}

const struct command command_log = {
	.name = "log",
	.arguments = "[-n COUNT] [--agent NAME] [--action WORD] [--outcome WORD] "
		     "[--since WHEN] [--path FILE] [--json]",
	.help = "the last builds: who, what, with which result",
	.options = "-n --action --outcome --since --path --json",
	.run = log_command,
};
