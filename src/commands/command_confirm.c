#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/message.h"
#include "base/text.h"
#include "changes/describe.h"
#include "commands/command.h"
#include "run/confirmation.h"
#include "run/orphans.h"
#include "run/way_back.h"
#include "run/word.h"

/* "switch --confirm && confirm" proves nothing: an agent must name the build it saw. */
static int find_wanted(
	uint64_t *ret, const struct strv *words, const struct caller *caller)
{
	if (words->len && text_to_number(words->words[0], UINT64_MAX, ret) && *ret)
		return 0;
	if (words->len)
		return error("'%s' is not a build number, such as 43", words->words[0]);
	*ret = 0;
	return caller->is_agent ? error("name the build: safe-rebuild confirm BUILD") : 0;
}

/* Whether it has been decided, and its runner is still carrying that out. */
static bool is_decided(const struct settings *settings, const struct build *build)
{
	_cleanup_build_ struct build now = BUILD_INIT;

	return build_read_ticket(&now, build, settings) &&
	       now.phase == PHASE_UNCONFIRMED && !trial_is_there(settings, TRIAL_OPEN);
}

/* Answers a call that comes after the decision. */
static int tell_decided(const struct context *context, uint64_t wanted)
{
	_cleanup_ledger_ struct ledger *ledger = command_ledger(context->settings);
	_cleanup_trial_record_ struct trial_record going = {0};
	_cleanup_build_ struct build build = BUILD_INIT;
	_cleanup_free_ char *line = NULL;

	trial_read(&going, context->settings, TRIAL_EXPIRED);
	if (going.build && (!wanted || wanted == going.build))
		return fail(EXIT_TAKEN_BACK,
			"too late: build %" PRIu64 " is being taken back", going.build);
	if (access(context->settings->run_path, X_OK) < 0 && errno == EACCES)
		return fail(EXIT_NO_PERMISSION,
			"cannot see in '%s' what is waiting to be confirmed (use sudo)",
			context->settings->run_path);
	if (!ledger || !wanted || build_by_number(&build, ledger, wanted) <= 0)
		return fail(EXIT_OWN_FAILURE, "no build is waiting to be confirmed");
	orphan_judge(&build, context->settings);
	if (build_is_running(&build) && is_decided(context->settings, &build))
		return word_report(context->settings, wanted);
	if (build_is_running(&build))
		return fail(EXIT_OWN_FAILURE,
			"build %" PRIu64 " is not waiting to be confirmed (yet): see "
			"safe-rebuild status",
			wanted);
	line = describe_build(&build);
	if (build.outcome == OUTCOME_ROLLED_BACK)
		error("too late: %s", line);
	else
		say("no build is waiting to be confirmed: %s", line);
	return build.exit_status == NO_EXIT_STATUS ? EXIT_OWN_FAILURE : build.exit_status;
}

/* The agent who made the change knows what to look at; others must ask a person. */
static int check_permission(
	const struct context *context, const struct caller *caller, uint64_t number)
{
	_cleanup_ledger_ struct ledger *ledger = command_ledger(context->settings);
	_cleanup_build_ struct build build = BUILD_INIT;

	if (!caller->is_agent || !ledger ||
		build_by_number(&build, ledger, number) <= 0 ||
		build_is_of_agent(&build, caller->agent))
		return 0;
	return fail(EXIT_NO_PERMISSION,
		"build %" PRIu64 " is by %s: only %s or a person can confirm it", number,
		build.agent, build.agent);
}

static int confirm(const struct context *context)
{
	const struct command_options *options = context->options;
	_cleanup_caller_ struct caller caller = {0};
	_cleanup_trial_record_ struct trial_record waiting = {0};
	uint64_t wanted;
	int status;

	if (command_enter(&caller, context) < 0 ||
		find_wanted(&wanted, context->words, &caller) < 0)
		return EXIT_USAGE;
	if (options->take_back && caller.is_agent)
		return fail(EXIT_NO_PERMISSION,
			"--take-back is only for systemd's timer (to end your own trial: "
			"safe-rebuild rollback)");
	if (options->take_back && !wanted)
		return command_usage(&command_confirm);
	if (options->take_back)
		return way_back_of_timer(
			context->settings, context->surroundings, wanted);
	trial_read(&waiting, context->settings, TRIAL_OPEN);
	/* A system that is not there yet cannot be looked at. */
	if (!waiting.build || *waiting.new_system != '/')
		return tell_decided(context, wanted);
	if (wanted && wanted != waiting.build)
		return fail(EXIT_OWN_FAILURE,
			"build %" PRIu64 " is not waiting to be confirmed, build %" PRIu64
			" does",
			wanted, waiting.build);
	status = check_permission(context, &caller, waiting.build);
	return status ? status
		      : word_confirm(context->settings, waiting.build, caller.agent);
}

const struct command command_confirm = {
	.name = "confirm",
	.arguments = "[BUILD] | --take-back BUILD",
	.help = "keep what switch --confirm has made live",
	.options = "--take-back",
	.operands_max = 1,
	.run = confirm,
};
