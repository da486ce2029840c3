#include "run/join.h"

#include <inttypes.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"
#include "changes/describe.h"
#include "ledger/ledger.h"
#include "rebuild/system.h"
#include "run/follow.h"
#include "run/log.h"

/* Of a failed build's output so much is printed again. */
#define ERROR_LINES 60

extern char **environ;

/*
 * Variables that Nix, and the git that it runs, are configured by. Only a digest of them
 * is kept: NIX_CONFIG can hold access tokens.
 */
static bool configures_nix(const char *variable)
{
	return starts_with(variable, "NIX") || starts_with(variable, "GIT_") ||
	       starts_with(variable, "XDG_CONFIG_") || starts_with(variable, "HOME=");
}

void join_describe_request(struct run *run)
{
	_cleanup_strv_ struct strv variables = {0};
	char *text = NULL, digest[OID_TEXT_SIZE];
	git_oid id;
	size_t len;
	FILE *out;

	if (git_start() < 0)
		return;
	for (char **variable = environ; *variable; variable++)
		if (configures_nix(*variable))
			strv_add(&variables, *variable);
	strv_sort(&variables);
	out = text_stream(&text, &len);
	fprintf(out, "%d %s", (int)geteuid(), run->program);
	for (size_t i = 0; i < variables.len; i++)
		fprintf(out, "%c%s", '\0', variables.words[i]);
	fclose(out);
	if (git_odb_hash(&id, text, len, GIT_OBJECT_BLOB) == 0)
		record_set(&run->record, "Environment", oid_text(digest, &id));
	explicit_bzero(text, len);
	free(text);
}

static bool same_value(const struct record *a, const struct record *b, const char *key)
{
	const char *one = record_get(a, key), *other = record_get(b, key);

	return one && other && streq(one, other);
}

static bool same_request(const struct record *a, const struct record *b)
{
	return same_value(a, b, "Target") && same_value(a, b, "Command") &&
	       same_value(a, b, "Directory") && same_value(a, b, "Environment");
}

/* With the flake.lock that the build itself wrote, where it wrote one. */
static bool same_configuration(const struct run *run, const struct build *build)
{
	const char *with_lock_file = record_get(&build->record, "Tree-With-Lock-File");
	git_oid tree;

	if (!run->has_snapshot || !build_has_snapshot(build))
		return false;
	if (git_oid_equal(&run->snapshot.tree, &build->tree))
		return true;
	return with_lock_file && git_oid_fromstr(&tree, with_lock_file) == 0 &&
	       git_oid_equal(&run->snapshot.tree, &tree);
}

/* Whether its whole stdout is in the record. */
static bool stdout_is_recorded(const struct record *build)
{
	const char *text = record_get(build, "Stdout");

	return record_get_number(build, "Stdout-Size") == (text ? strlen(text) : 0);
}

static void print_stdout(const struct record *build)
{
	const char *text = record_get(build, "Stdout");

	if (text)
		(void)write_all(STDOUT_FILENO, text, strlen(text));
}

/* The end of what nixos-rebuild said, as the log has it. */
static void print_error(const struct run *run, const struct build *build)
{
	_cleanup_free_ char *path = log_path(run->settings, build_number(build));
	_cleanup_free_ char *text = NULL;
	size_t len, lines = 0;
	const char *start;

	if (log_read(&text, &len, path) < 0) {
		warn_errno("cannot show its output");
		return;
	}
	for (start = text + len; start > text; start--)
		if (start < text + len && start[-1] == '\n' && ++lines == ERROR_LINES)
			break;
	(void)write_all(STDERR_FILENO, start, (size_t)(text + len - start));
}

/* Whether the machine still runs and boots what the build has made. */
static bool is_still_live(const struct run *run, const struct build *build)
{
	const char *made = record_get(&build->record, "System-After");
	_cleanup_system_ struct system_state now = {0};

	system_read(&now, run->settings, run->request.profile_name);
	if (!made || !now.running || !now.profile)
		return false;
	if (run->request.action != ACTION_BOOT && !streq(now.running, made))
		return false;
	return run->request.action == ACTION_TEST || streq(now.profile, made);
}

static bool can_be_joined(const struct run *run, const struct build *build)
{
	const char *outcome = record_get(&build->record, "Outcome");

	if (!outcome || !same_request(&run->record, &build->record) ||
		!same_configuration(run, build) || !stdout_is_recorded(&build->record) ||
		record_get(&build->record, "Changed-While-Building"))
		return false;
	if (streq(outcome, "succeeded"))
		return is_still_live(run, build);
	return streq(outcome, "failed");
}

/* Whether nothing outside of the snapshot could make two results differ. */
static bool may_join(const struct run *run)
{
	const enum action action = run->request.action;

	return run->has_waited && run->has_snapshot && !run->snapshot.left_out &&
	       run->configuration.kind == CONFIGURATION_GIT_FLAKE &&
	       !run->configuration.submodules && !run->request.impure &&
	       !(run->request.target_host && *run->request.target_host) &&
	       (action == ACTION_SWITCH || action == ACTION_BOOT ||
		       action == ACTION_TEST);
}

/* The newest build that began after this request and can stand for it. */
static int find_finished(struct build *ret, struct ledger *ledger, const struct run *run)
{
	int found = build_tip(ret, ledger);

	for (; found > 0; found = build_step_back(ret, ledger)) {
		/* Every earlier one of the chain had its number before we asked. */
		if (record_get_number(&ret->record, "Numbers-Given") <=
			run->numbers_given)
			break;
		if (build_number(ret) > run->numbers_given && can_be_joined(run, ret))
			return 1;
	}
	build_free(ret);
	return found < 0 ? -1 : 0;
}

static int take_over(const struct run *run, struct ledger *ledger, struct build *build)
{
	_cleanup_free_ char *line = describe_build(&build->record);
	const int status = (int)record_get_number(&build->record, "Exit-Status");

	if (ledger_join(ledger, run->target, run->caller.agent, &build->commit) < 0)
		warn("your next changes are counted from your build before this one");
	if (status)
		print_error(run, build);
	print_stdout(&build->record);
	say("not built again: same configuration and command, begun after you asked: %s",
		line);
	log_to_syslog("%s joined %s", run->caller.agent, line);
	return status;
}

int join_finished(struct run *run)
{
	_cleanup_build_ struct build build = {0};

	if (!run->ledger || !may_join(run) ||
		find_finished(&build, run->ledger, run) <= 0)
		return -1;
	return take_over(run, run->ledger, &build);
}

/* The ticket of the caller's own run of this very command; its build's number. */
static uint64_t find_own_running(const struct run *run)
{
	struct record *tickets;
	uint64_t number = 0;
	size_t len;

	if (tickets_read(&tickets, &len, run->queue) < 0)
		return 0;
	for (size_t i = 0; i < len && !number; i++)
		if (!ticket_is_waiting(&tickets[i]) &&
			same_value(&tickets[i], &run->record, "Agent") &&
			same_request(&tickets[i], &run->record))
			number = record_get_number(&tickets[i], "Build");
	tickets_free(tickets, len);
	return number;
}

/* Where both are one pipe or terminal, the log has shown it in its place already. */
static bool stdout_is_stderr(void)
{
	struct stat out, err;

	return fstat(STDOUT_FILENO, &out) == 0 && fstat(STDERR_FILENO, &err) == 0 &&
	       out.st_dev == err.st_dev && out.st_ino == err.st_ino;
}

static int follow(const struct run *run, struct ledger *ledger, const struct build *build)
{
	_cleanup_build_ struct build ended = {0};
	int status;

	say("your build %" PRIu64
	    " of this very command and configuration is running: following it",
		build_number(build));
	status = follow_build(run->settings, ledger, build, STDERR_FILENO);
	if (!stdout_is_stderr() &&
		build_in_chain(&ended, ledger, build_number(build)) > 0)
		print_stdout(&ended.record);
	return status;
}

int join_own_running(struct run *run)
{
	_cleanup_ledger_ struct ledger *ledger = NULL;
	_cleanup_snapshot_ struct snapshot now = {0};
	_cleanup_build_ struct build build = {0};
	const uint64_t number = find_own_running(run);

	if (!number || run->configuration.kind == CONFIGURATION_ELSEWHERE ||
		run->configuration.submodules || run->request.impure ||
		ledger_open_to_record(&ledger, run->settings) < 0 ||
		build_by_number(&build, ledger, number) <= 0 ||
		!build_has_snapshot(&build) ||
		snapshot_take(&now, &run->configuration, run->settings, NULL) < 0 ||
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
