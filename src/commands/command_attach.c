#include "base/message.h"
#include "caller/caller.h"
#include "changes/describe.h"
#include "commands/command.h"
#include "ledger/builds.h"
#include "run/front.h"
#include "run/orphans.h"

/* The caller's own running build, else the oldest running one, else the last one. */
static int find_default(struct build *ret, struct ledger *ledger,
	const struct settings *settings, const char *agent)
{
	_cleanup_builds_ struct builds running = {0};
	const struct build *chosen = NULL;

	if (builds_running(&running, NULL, ledger) < 0)
		return -1;
	for (size_t i = running.len; i-- > 0;) {
		const struct build *build = &running.list[i];

		if (build_is_orphaned(build, settings))
			continue;
		if (!chosen || !build_is_of_agent(chosen, agent) ||
			build_is_of_agent(build, agent))
			chosen = build;
	}
	if (!chosen)
		return build_tip(ret, ledger);
	build_copy(ret, chosen);
	return 1;
}

static int attach(const struct context *context)
{
	_cleanup_caller_ struct caller caller = {0};
	_cleanup_ledger_ struct ledger *ledger = NULL;
	_cleanup_build_ struct build build = BUILD_INIT;

	if (command_enter(&caller, context) < 0)
		return EXIT_USAGE;
	ledger = command_ledger(context->settings);
	if (!ledger)
		return EXIT_OWN_FAILURE;
	if (context->words->len) {
		if (build_by_name(&build, ledger, context->settings,
			    context->words->words[0]) < 0)
			return EXIT_OWN_FAILURE;
	} else if (find_default(&build, ledger, context->settings, caller.agent) <= 0) {
		return EXIT_OWN_FAILURE;
	}
	if (!build_is_running(&build)) {
		_cleanup_free_ char *line = describe_build(&build);

		say("already ended: %s", line);
	}
	return follow_build(
		context->settings, ledger, &build, STDOUT_FILENO, caller.is_agent);
}

const struct command command_attach = {
	.name = "attach",
	.arguments = "[BUILD]",
	.help = "follow a build from its first line, exit with its outcome",
	.operands_max = 1,
	.run = attach,
};
