#include <inttypes.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/message.h"
#include "changes/describe.h"
#include "commands/command.h"
#include "commands/json.h"
#include "commands/paths.h"
#include "commands/reference.h"
#include "commands/table.h"
#include "rebuild/configuration.h"

#define DEFAULT_COUNT 20

struct filter {
	const char *agent, *action, *outcome, *path; /* NULL: any */
	time_t since;
};

struct listing {
	struct ledger *ledger;
	struct filter filter;
	unsigned left; /* so many more */
	json_t *list;  /* NULL: text */
	bool as_table;
	struct table table;
};

static bool is_value(const struct record *record, const char *key, const char *wanted)
{
	const char *value = record_get(record, key);

	return !wanted || (value && streq(value, wanted));
}

/* Whether the path became another one with this build: against the one before of its
 * target. */
static bool changed_path(
	struct ledger *ledger, const struct build *build, const char *path)
{
	_cleanup_build_ struct build before = {.parent = build->parent};
	const char *target = record_get(&build->record, "Target");
	git_oid now, then = {0};

	if (!build_has_snapshot(build) ||
		ledger_path_id(&now, ledger, &build->tree, path) < 0)
		return false;
	while (build_step_back(&before, ledger) > 0)
		if (build_has_snapshot(&before) &&
			is_value(&before.record, "Target", target)) {
			if (ledger_path_id(&then, ledger, &before.tree, path) < 0)
				return false;
			break;
		}
	return !git_oid_equal(&now, &then);
}

static bool is_wanted(const struct listing *listing, const struct build *build)
{
	const struct filter *filter = &listing->filter;
	const struct record *record = &build->record;
	const time_t finished = record_get_time(record, "Finished");

	return is_value(record, "Agent", filter->agent) &&
	       is_value(record, "Action", filter->action) &&
	       is_value(record, "Outcome", filter->outcome) &&
	       (!filter->since || !finished || finished >= filter->since) &&
	       (!filter->path || changed_path(listing->ledger, build, filter->path));
}

static void put_build(struct listing *listing, const struct build *build)
{
	_cleanup_free_ char *line = NULL;

	if (listing->list) {
		json_array_append_new(listing->list, json_record(&build->record));
	} else if (listing->as_table) {
		table_print_build(&listing->table, &build->record);
	} else {
		line = describe_build(&build->record);
		puts(line);
	}
}

static int put_running(struct listing *listing)
{
	struct build *running;
	size_t len;

	if (builds_running(&running, &len, listing->ledger) < 0)
		return -1;
	while (len-- > 0) {
		if (is_wanted(listing, &running[len]) && !listing->filter.path)
			put_build(listing, &running[len]);
		build_free(&running[len]);
	}
	free(running);
	return 0;
}

/* What is running first, then what has ended, newest first. */
static int put_builds(struct listing *listing)
{
	_cleanup_build_ struct build build = {0};
	int found = put_running(listing);

	if (found == 0)
		found = build_tip(&build, listing->ledger);
	while (found > 0 && listing->left) {
		/* Builds join the chain when they finish: all before are older still. */
		if (listing->filter.since && record_get_time(&build.record, "Finished") <
						     listing->filter.since)
			break;
		if (is_wanted(listing, &build)) {
			put_build(listing, &build);
			listing->left--;
		}
		found = build_step_back(&build, listing->ledger);
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
	json_t *answer = json ? json_answer() : NULL;
	int status = 0;

	if (json) {
		listing->list = json_array();
		json_object_set_new(answer, "builds", listing->list);
	}
	if (listing->as_table)
		table_print_head(&listing->table);
	if (listing->ledger)
		status = put_builds(listing);
	if (json && !status)
		return json_print(answer);
	json_decref(answer);
	return status;
}

static int run(const struct context *context, int argc, char **argv)
{
	struct command_options options = {.count = DEFAULT_COUNT};
	_cleanup_ledger_ struct ledger *ledger = NULL;
	_cleanup_configuration_ struct configuration configuration = {0};
	const struct request request = {.action = ACTION_SWITCH};
	_cleanup_free_ char *path = NULL;
	struct listing listing = {0};
	int operand = command_parse_options(&options, &command_log, "jnacst", argc, argv);

	if (operand < 0)
		return EXIT_USAGE;
	if (operand < argc)
		return command_usage(&command_log);
	if (options.path) {
		configuration_find_here(&configuration, &request);
		path = path_in_configuration(
			configuration.root ? configuration.root : "/", options.path);
	}
	listing.filter = (struct filter){
		.agent = context->options->agent_is_option ? context->options->agent
							   : NULL,
		.action = options.action,
		.outcome = options.outcome,
		.path = path,
	};
	if (options.since && !parse_since(&listing.filter.since, options.since)) {
		error("--since: '%s' is neither a duration such as 2h nor a day such as "
		      "2026-11-22",
			options.since);
		return EXIT_USAGE;
	}
	if (ledger_open(&ledger, context->settings) < 0)
		return EXIT_OWN_FAILURE;
	if (!ledger && !options.json) {
		say("nothing is recorded yet in '%s'", context->settings->state_path);
		return 0;
	}
	listing.ledger = ledger;
	listing.left = options.count;
	listing.as_table =
		!options.json && table_is_wanted(&listing.table, context->options);
	return list(&listing, options.json);
}

const struct command command_log = {"log",
	"[-n COUNT] [--agent NAME] [--action WORD] [--outcome WORD] [--since WHEN] "
	"[--path FILE] [--json]",
	"the last builds: who, what, with which result", run};
