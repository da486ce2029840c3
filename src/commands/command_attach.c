#include "base/memory.h"
#include "base/message.h"
#include "caller/caller.h"
#include "commands/command.h"
#include "commands/reference.h"
#include "run/follow.h"
#include "run/reap.h"

static bool is_agents(const struct build *build, const char *agent)
{
	const char *its_agent = record_get(&build->record, "Agent");

	return its_agent && streq(its_agent, agent);
}

/* The caller's own running build, else the oldest running one, else the last that ended.
 */
static int find_default(struct build *ret, struct ledger *ledger,
	const struct settings *settings, const char *agent)
{
	struct build *running;
	size_t len, chosen;

	if (builds_running(&running, &len, ledger) < 0)
		return -1;
	chosen = len;
	for (size_t i = len; i-- > 0;) {
		if (reap_is_dead(&running[i], settings))
			continue;
		if (chosen == len || !is_agents(&running[chosen], agent) ||
			is_agents(&running[i], agent))
			chosen = i;
	}
	for (size_t i = 0; i < len; i++) {
		if (i == chosen)
			*ret = running[i];
		else
			build_free(&running[i]);
	}
	free(running);
	return chosen < len ? 1 : build_tip(ret, ledger);
}

static int run(const struct context *context, int argc, char **argv)
{
	_cleanup_caller_ struct caller caller = {0};
	_cleanup_ledger_ struct ledger *ledger = NULL;
	_cleanup_build_ struct build build = {0};

	if (argc > 2 || (argc == 2 && *argv[1] == '-'))
		return command_usage(&command_attach);
	ledger = reference_ledger(context->settings);
	if (!ledger)
		return EXIT_OWN_FAILURE;
	if (argc == 2) {
		if (reference_find(&build, ledger, context->settings, argv[1]) < 0)
			return EXIT_OWN_FAILURE;
	} else if (caller_identify(&caller, context->options->agent) < 0 ||
		   find_default(&build, ledger, context->settings, caller.agent) <= 0) {
		return EXIT_OWN_FAILURE;
	}
	return follow_build(context->settings, ledger, &build, STDOUT_FILENO);
}

const struct command command_attach = {"attach", "[BUILD]",
	"follow a build from its first line, exit with its outcome", run};
