#include <inttypes.h>
#include <limits.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "caller/caller.h"
#include "changes/describe.h"
#include "changes/tree_diff.h"
#include "commands/command.h"
#include "commands/fates.h"
#include "commands/log_table.h"
#include "rebuild/target.h"
#include "run/orphans.h"

#define DEFAULT_COUNT 20
#define NAME_SHOWN 40
#define ERROR_SHOWN 100

struct filter {
	const char *agent, *action, *outcome, *path; /* NULL: any */
	time_t since;
};

struct listing {
	const struct settings *settings;
	struct ledger *ledger;
	struct filter filter;
	unsigned left; /* so many more */
	unsigned printed;
	json_t *list;  /* NULL: text */
	bool as_table; /* for a person, never for an agent */
	struct log_table table;
	struct fates fates;
};

static bool is_value(const char *value, const char *wanted)
{
	return !wanted || (value && streq(value, wanted));
}

/* Whether this build changed the path, compared with the build before of its target. */
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

static bool is_wanted(
	const struct listing *listing, const struct build *build, const struct fate *fate)
{
	const struct filter *filter = &listing->filter;
	const enum outcome outcome = fate->is_out ? OUTCOME_ROLLED_BACK : build->outcome;

	return is_value(build->agent, filter->agent) &&
	       is_value(build->action, filter->action) &&
	       is_value(outcome_words[outcome], filter->outcome) &&
	       (!filter->since || !build->finished || build->finished >= filter->since) &&
	       (!filter->path || changed_path(listing->ledger, build, filter->path));
}

/* How many files differ from the build before; 0 also where that is not known. */
static size_t count_files(const struct listing *listing, const struct build *build)
{
	struct build_walk walk = builds_walk_before(listing->ledger, build);
	_cleanup_path_changes_ struct path_changes changes = {0};
	_cleanup_build_ struct build before = BUILD_INIT;

	if (!build_has_snapshot(build) || builds_next(&before, &walk) <= 0 ||
		tree_diff(&changes, listing->ledger->repository, &before.tree,
			&build->tree) < 0)
		return 0;
	return changes.len;
}

/* What was built: "#box, 3 files, uncommitted", or of which commit. */
static void put_what(
	struct strbuf *out, const struct listing *listing, const struct build *build)
{
	const char *attribute = build->config ? strchr(build->config, '#') : NULL;
	const size_t files = count_files(listing, build);

	if (build->back_to)
		return;
	if (attribute)
		strbuf_put_owned(out, ", ", text_name(attribute, NAME_SHOWN));
	if (files)
		strbuf_put_owned(out, ", ", text_count(files, "file"));
	if (build->config_state == CONFIG_DIRTY && files)
		strbuf_puts(out, ", uncommitted");
	if (build->config_state == CONFIG_CLEAN && build->config_subject)
		strbuf_put_owned(
			out, ", ", text_quote(build->config_subject, NAME_SHOWN));
}

/* The command of an exec, the error of a failed build. */
static void put_why(struct strbuf *out, const struct build *build)
{
	if (build->action && streq(build->action, "exec") && build->command)
		strbuf_put_owned(
			out, "; command: ", text_quote(build->command, ERROR_SHOWN));
	if (build->nix_error && !build_took_effect(build))
		strbuf_put_owned(
			out, "; error: ", text_quote(build->nix_error, ERROR_SHOWN));
}

/* The table's last column: all that has no column of its own. */
static char *put_remarks(
	const struct listing *listing, const struct build *build, const struct fate *fate)
{
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	_cleanup_free_ char *target =
		build->target ? target_describe(build->target) : NULL;
	const char *text;

	if (target)
		strbuf_printf(&out, "; %s", target);
	if (build->back_to)
		strbuf_printf(&out, "; to %s", build->back_to);
	if (build->rolled_back)
		strbuf_printf(&out, ", took out %s", build->rolled_back);
	if (build->taken_back)
		strbuf_printf(&out, "; %s", build->taken_back);
	if (build->confirmed_by)
		strbuf_printf(&out, "; confirmed by %s", build->confirmed_by);
	fate_put(&out, fate);
	if (build->message)
		strbuf_put_owned(&out, "; ", text_quote(build->message, ERROR_SHOWN));
	put_why(&out, build);
	put_what(&out, listing, build);
	text = out.text + strspn(out.text, ";, ");
	return text_clean(text, strlen(text));
}

static void print_row(
	const struct listing *listing, const struct build *build, const struct fate *fate)
{
	_cleanup_free_ char *remarks = put_remarks(listing, build, fate);

	log_table_row(&listing->table, build,
		fate->is_out ? OUTCOME_ROLLED_BACK : build->outcome, remarks);
}

static void print_line(
	const struct listing *listing, const struct build *build, const struct fate *fate)
{
	_cleanup_strbuf_ struct strbuf more = STRBUF_INIT;
	_cleanup_free_ char *line = describe_build(build);

	put_what(&more, listing, build);
	put_why(&more, build);
	fate_put(&more, fate);
	answer("%s%s", line, more.text);
}

static void put_build(
	struct listing *listing, const struct build *build, const struct fate *fate)
{
	json_t *object;

	listing->printed++;
	if (!listing->list) {
		(listing->as_table ? print_row : print_line)(listing, build, fate);
		return;
	}
	object = json_build(build);
	fate_put_json(object, fate);
	json_array_append_new(listing->list, object);
}

static int put_running(struct listing *listing)
{
	_cleanup_builds_ struct builds running = {0};

	if (builds_running(&running, NULL, listing->ledger) < 0)
		return -1;
	for (size_t i = running.len; i-- > 0;) {
		orphan_judge(&running.list[i], listing->settings);
		if (is_wanted(listing, &running.list[i], &(struct fate){0}) &&
			!listing->filter.path)
			put_build(listing, &running.list[i], &(struct fate){0});
	}
	return 0;
}

/* What is running first, then what has ended, newest first. */
static int put_builds(struct listing *listing)
{
	struct build_walk walk = builds_walk(listing->ledger, NULL);
	_cleanup_build_ struct build build = BUILD_INIT;
	struct fate fate;
	int found = put_running(listing);

	walk.left = UINT_MAX;
	while (found >= 0 && listing->left && (found = builds_next(&build, &walk)) > 0) {
		/* Builds join the chain when they finish, so all others are older. */
		if (build.finished < listing->filter.since)
			break;
		fate = fates_find(&listing->fates, &build);
		if (is_wanted(listing, &build, &fate)) {
			put_build(listing, &build, &fate);
			listing->left--;
		}
	}
	return found < 0 ? EXIT_OWN_FAILURE : 0;
}

static int put_refusals(struct listing *listing)
{
	struct build_walk walk = refusals_walk(listing->ledger);
	_cleanup_build_ struct build call = BUILD_INIT;
	int found = 0;

	while (listing->left && (found = builds_next(&call, &walk)) > 0 &&
		call.finished >= listing->filter.since) {
		if (!is_value(call.agent, listing->filter.agent) ||
			!is_value(call.action, listing->filter.action))
			continue;
		listing->left--;
		listing->printed++;
		if (listing->list) {
			json_array_append_new(listing->list, json_build(&call));
		} else {
			_cleanup_free_ char *line = describe_refusal(&call);

			answer("%s", line);
		}
	}
	return found < 0 ? EXIT_OWN_FAILURE : 0;
}

static int list(struct listing *listing, bool refused, bool json)
{
	json_t *object = json ? json_answer() : NULL;
	int status = 0;

	if (json) {
		listing->list = json_array();
		json_object_set_new(
			object, refused ? "refused" : "builds", listing->list);
	}
	if (listing->as_table && !refused)
		log_table_head(&listing->table);
	if (listing->ledger)
		status = (refused ? put_refusals : put_builds)(listing);
	if (json && !status)
		return json_print(object);
	json_decref(object);
	return status;
}

static void say_nothing(const struct filter *filter, const char *what)
{
	if (filter->agent)
		say("no such %s by %s is recorded (all agents: leave out --agent)", what,
			filter->agent);
	else
		say("no such %s is recorded", what);
}

/* A mistyped word finds nothing, but that must not look like an answer. */
static int check_words(const struct command_options *options)
{
	if (options->refused && (options->outcome || options->path))
		return error(
			"--refused does not go with --outcome or --path: what was refused has neither");
	if (options->outcome && (!text_is_among(options->outcome, outcome_words) ||
					streq(options->outcome, "refused")))
		return error("--outcome: '%s' is none of running, succeeded, partly, "
			     "failed, interrupted, cancelled, rolled-back (and what was "
			     "refused: log --refused)",
			options->outcome);
	if (options->action && action_from_word(options->action) == ACTION_UNKNOWN &&
		!streq(options->action, "rollback") && !streq(options->action, "exec"))
		return error("--action: '%s' is neither an action of nixos-rebuild nor "
			     "rollback or exec",
			options->action);
	return 0;
}

static int log_command(const struct context *context)
{
	const struct command_options *options = context->options;
	const struct own_options *own = context->own;
	_cleanup_caller_ struct caller caller = {0};
	_cleanup_ledger_ struct ledger *ledger = NULL;
	_cleanup_free_ char *path = options->path ? path_from_here(options->path) : NULL;
	struct listing listing = {
		.settings = context->settings,
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

	if (check_words(options) < 0)
		return EXIT_USAGE;
	if (options->since && !clock_parse_when(&listing.filter.since, options->since))
		return fail(EXIT_USAGE,
			"--since: '%s' is neither a duration such as 2h nor a day such "
			"as "
			"2026-11-22",
			options->since);
	/* --agent says whose builds, not who asks. */
	if (caller_identify(&caller, own->agent_is_option ? NULL : own->agent) < 0)
		return EXIT_USAGE;
	sharing_lower_rights(context->settings);
	if (ledger_open(&ledger, context->settings) < 0)
		return EXIT_OWN_FAILURE;
	if (!ledger && !options->json) {
		say("nothing is recorded yet in '%s'", context->settings->state_path);
		return 0;
	}
	listing.ledger = ledger;
	if (ledger && fates_begin(&listing.fates, ledger, context->settings) < 0)
		return EXIT_OWN_FAILURE;
	listing.as_table = !options->json && log_table_is_wanted(&listing.table, &caller);
	status = list(&listing, options->refused, options->json);
	fates_free(&listing.fates);
	if (!status && listing.printed == 0 && !options->json)
		say_nothing(&listing.filter, options->refused ? "refusal" : "build");
	return status;
}

const struct command command_log = {
	.name = "log",
	.arguments = "[-n COUNT] [--agent NAME] [--action WORD] [--outcome WORD] "
		     "[--since WHEN] [--path FILE] [--refused] [--json]",
	.help = "the last builds: who, what, with which result",
	.options = "-n --action --outcome --since --path --refused --json",
	.run = log_command,
};
