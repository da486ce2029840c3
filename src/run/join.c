#include "run/join.h"

#include <inttypes.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"
#include "changes/describe.h"
#include "ledger/builds.h"
#include "ledger/recording.h"
#include "rebuild/system.h"
#include "run/brief.h"
#include "run/front.h"
#include "run/log.h"
#include "settings/sharing.h"

/* How many lines of a failed build's output are printed again. */
#define ERROR_LINES 60

extern char **environ;

/*
 * Variables that Nix, and the git that it runs, are configured by. Only a digest of them
 * is kept: NIX_CONFIG can hold access tokens. Those that only say how a person is asked
 * or shown something differ between agents and mean nothing to a build.
 */
static bool configures_nix(const char *variable)
{
	static const char *const for_people[] = {"GIT_EDITOR=", "GIT_SEQUENCE_EDITOR=",
		"GIT_PAGER=", "GIT_ASKPASS=", "GIT_TERMINAL_PROMPT="};

	for (size_t i = 0; i < ARRAY_LEN(for_people); i++)
		if (starts_with(variable, for_people[i]))
			return false;
	return starts_with(variable, "NIX") || starts_with(variable, "GIT_") ||
	       starts_with(variable, "XDG_CONFIG_") || starts_with(variable, "HOME=");
}

void join_describe_request(struct run *run)
{
	_cleanup_strv_ struct strv variables = {0};
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	git_oid id;

	if (git_start() < 0)
		return;
	for (char **variable = environ; *variable; variable++)
		if (configures_nix(*variable))
			strv_add(&variables, *variable);
	strv_sort(&variables);
	strbuf_printf(&text, "%d %s", (int)getuid(), run->program);
	for (size_t i = 0; i < variables.len; i++) {
		strbuf_putc(&text, '\0');
		strbuf_puts(&text, variables.words[i]);
	}
	if (git_odb_hash(&id, text.text, text.len, GIT_OBJECT_BLOB) == 0)
		run->build.environment = xstrdup(git_oid_tostr_s(&id));
	explicit_bzero(text.text, text.len);
}

static bool is_same_request(const struct build *a, const struct build *b)
{
	return streq_known(a->target, b->target) && streq_known(a->command, b->command) &&
	       streq_known(a->directory, b->directory) &&
	       streq_known(a->environment, b->environment);
}

static bool is_same_configuration(const struct run *run, const struct build *build)
{
	return build_has_snapshot(&run->build) && build_has_snapshot(build) &&
	       git_oid_equal(&run->snapshot.tree, &build->tree);
}

/* Whether its whole stdout is in the record. */
static bool stdout_is_recorded(const struct build *build)
{
	return build->stdout_size ==
	       (build->stdout_text ? strlen(build->stdout_text) : 0);
}

static void print_stdout(const struct build *build)
{
	if (build->stdout_text)
		(void)write_all(
			STDOUT_FILENO, build->stdout_text, strlen(build->stdout_text));
}

/* The end of what nixos-rebuild said, as the log has it. */
static void print_error(const struct run *run, const struct build *build)
{
	_cleanup_free_ char *path = log_path(run->settings, build->number);
	_cleanup_free_ char *text = NULL;
	_cleanup_(brief_free) struct brief brief;
	size_t len, lines = 0;
	const char *start;

	brief_start(&brief, message_bytes());
	if (log_read(&text, &len, path) < 0) {
		warn_errno("cannot show its output");
		return;
	}
	for (start = text + len; start > text; start--)
		if (start < text + len && start[-1] == '\n' && ++lines == ERROR_LINES)
			break;
	brief.whole = !run->streams.brief && isatty(STDERR_FILENO);
	if (run->streams.brief) {
		start = text;
	} else if (!brief.whole) {
		(void)write_all(STDERR_FILENO, start, (size_t)(text + len - start));
		return;
	}
	brief.holds_own = true;
	brief_read(&brief, start, (size_t)(text + len - start));
	brief_end(&brief, build->exit_status, build->number);
	(void)write_all(STDERR_FILENO, brief.out.text, brief.out.len);
}

/* Whether the machine still runs and boots what the build has made. */
static bool is_still_live(const struct run *run, const struct build *build)
{
	_cleanup_system_ struct system_state now =
		system_read(run->settings, &run->target);

	if (!build->system_after || !now.running || !now.profile)
		return false;
	if (run->request.action != ACTION_BOOT &&
		!streq(now.running, build->system_after))
		return false;
	return run->request.action == ACTION_TEST ||
	       streq(now.profile, build->system_after);
}

static bool can_be_joined(const struct run *run, const struct build *build)
{
	if (!is_same_request(&run->build, build) || !is_same_configuration(run, build) ||
		!stdout_is_recorded(build) || build->changed_while_building)
		return false;
	if (build_took_effect(build))
		return is_still_live(run, build);
	return build->outcome == OUTCOME_FAILED;
}

/* Whether nothing outside of the snapshot could make two results differ. */
static bool may_join(const struct run *run)
{
	const enum action action = run->request.action;

	return run->has_waited && build_has_snapshot(&run->build) &&
	       !run->snapshot.left_out &&
	       run->configuration.kind == CONFIGURATION_GIT_FLAKE &&
	       !run->configuration.submodules && !run->request.impure &&
	       target_is_local(run->target.name) &&
	       (action == ACTION_SWITCH || action == ACTION_BOOT ||
		       action == ACTION_TEST);
}

/* The newest build that began after this request and can stand for it. */
static int find_finished(struct build *ret, const struct run *run)
{
	struct build_walk walk = builds_walk(run->ledger, NULL);
	int found;

	while ((found = builds_next(ret, &walk)) > 0) {
		/* Every earlier one of the chain had its number before we asked. */
		if (ret->numbers_given <= run->numbers_given)
			break;
		if (ret->number > run->numbers_given && can_be_joined(run, ret) &&
			ledger_vouches(run->ledger, run->settings, &ret->commit))
			return 1;
	}
	return found < 0 ? -1 : 0;
}

static int take_over(const struct run *run, const struct build *build)
{
	_cleanup_free_ char *line = describe_build(build);

	if (ledger_join(
		    run->ledger, run->target.name, run->caller.agent, &build->commit) < 0)
		warn("changes will be counted from your build before this one");
	if (build->exit_status)
		print_error(run, build);
	print_stdout(build);
	say("not built again: same configuration and command, begun after you asked: %s",
		line);
	log_to_syslog("%s joined %s", run->caller.agent, line);
	return build->exit_status;
}

int join_finished(struct run *run)
{
	_cleanup_build_ struct build build = BUILD_INIT;

	if (!run->ledger || !may_join(run) || find_finished(&build, run) <= 0)
		return -1;
	return take_over(run, &build);
}

/* The ticket of the caller's own run of this very command; its build's number. */
static uint64_t find_own_running(const struct run *run)
{
	_cleanup_builds_ struct builds tickets = {0};

	if (tickets_read(&tickets, run->target.queue) < 0)
		return 0;
	for (size_t i = 0; i < tickets.len; i++)
		if (!build_is_waiting(&tickets.list[i]) &&
			build_is_of_agent(&tickets.list[i], run->caller.agent) &&
			ticket_is_believed(
				&tickets.list[i], run->settings, run->caller.uid) &&
			is_same_request(&tickets.list[i], &run->build))
			return tickets.list[i].number;
	return 0;
}

static int follow(const struct run *run, struct ledger *ledger, const struct build *build)
{
	_cleanup_build_ struct build ended = BUILD_INIT;
	int status;

	say("your build %" PRIu64
	    " of the same command and configuration is running already: following it",
		build->number);
	status = follow_build(
		run->settings, ledger, build, STDERR_FILENO, run->caller.is_agent);
	/* If both are one file, the log has already shown it in its place. */
	if (!run->streams.one_file && build_in_chain(&ended, ledger, build->number) > 0)
		print_stdout(&ended);
	return status;
}

int join_own_running(struct run *run)
{
	_cleanup_ledger_ struct ledger *ledger = NULL;
	_cleanup_snapshot_ struct snapshot now = {0};
	_cleanup_build_ struct build build = BUILD_INIT;
	const uint64_t number = find_own_running(run);

	if (!number || run->configuration.kind == CONFIGURATION_ELSEWHERE ||
		run->configuration.submodules || run->request.impure ||
		ledger_open(&ledger, run->settings) < 0 || !ledger ||
		build_by_number(&build, ledger, number) <= 0 ||
		!build_has_snapshot(&build) ||
		snapshot_take(&now, &run->configuration, run->settings, ledger, false) <
			0 ||
		now.left_out)
		return -1;
	if (git_oid_equal(&now.tree, &build.tree))
		return follow(run, ledger, &build);
	say("your build %" PRIu64
	    " of this command is still running, without your latest changes: queueing "
	    "behind it",
		number);
	return -1;
}
