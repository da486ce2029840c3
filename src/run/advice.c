#include "run/advice.h"

#include <inttypes.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "changes/describe.h"
#include "ledger/builds.h"

/* Further back nobody remembers, and what failed may have had another reason. */
#define BUILDS_MAX 50
#define FAILED_SECONDS 86400

static bool is_value(const struct build *build, const char *key, const char *value)
{
	const char *its = record_get(&build->record, key);

	return its && streq(its, value);
}

static void say_failed(const struct build *build)
{
	const char *text = record_get(&build->record, "Nix-Error");
	const char *place = record_get(&build->record, "Nix-Error-At");
	_cleanup_free_ char *line = describe_build(&build->record);
	_cleanup_free_ char *quoted = text ? text_quote(text, 120) : NULL;

	warn("this very configuration has failed: %s%s%s%s%s", line, quoted ? ": " : "",
		quoted ? quoted : "", place ? " at " : "", place ? place : "");
}

/* A rollback whose start was what this build had made. */
static bool takes_back(const struct record *rollback, const struct build *build)
{
	const char *command = record_get(rollback, "Command");
	const char *before = record_get(rollback, "System-Before");
	const char *made = record_get(&build->record, "System-After");

	return command && strstr(command, "--rollback") && before && made &&
	       streq(before, made);
}

void advise_before(const struct run *run)
{
	_cleanup_build_ struct build at = {0};
	_cleanup_record_ struct record rollback = {0};
	int found = build_tip(&at, run->ledger);

	for (unsigned i = 0; found > 0 && i < BUILDS_MAX; i++) {
		const char *command = record_get(&at.record, "Command");
		const bool same = build_has_snapshot(&at) &&
				  is_value(&at, "Target", run->target) &&
				  is_value(&at, "Config", run->configuration.name) &&
				  git_oid_equal(&at.tree, &run->snapshot.tree);

		if (command && strstr(command, "--rollback") && !rollback.len &&
			is_value(&at, "Outcome", "succeeded") &&
			is_value(&at, "Target", run->target))
			record_copy(&rollback, &at.record);
		if (same && is_value(&at, "Outcome", "failed") &&
			time(NULL) - record_get_time(&at.record, "Finished") <
				FAILED_SECONDS) {
			say_failed(&at);
			return;
		}
		if (same && rollback.len && takes_back(&rollback, &at)) {
			_cleanup_free_ char *line = describe_build(&rollback);

			warn("this brings back what was rolled back: %s", line);
		}
		/* Later builds of the same have had their say. */
		if (same)
			return;
		found = build_step_back(&at, run->ledger);
	}
}

static void advise_about_boot(const struct run *run, const struct system_state *now)
{
	if (!now->running || !now->profile || streq(now->running, now->profile) ||
		!action_changes_system(run->request.action))
		return;
	if (action_is_for_boot(run->request.action))
		say("it takes effect at the next boot; the running system is another");
	else
		say("the next boot takes another system than runs now: generation %" PRIu64,
			now->generation);
}

/* Where nixos-rebuild writes in a checkout: flake.lock, and what git notes about it. */
static void advise_about_owner(const struct run *run)
{
	const char *root = run->configuration.root;
	const char *names[] = {run->configuration.lock_file, ".git/index", ".git/objects",
		".git/HEAD", ".git/FETCH_HEAD", ".git/config"};
	_cleanup_strv_ struct strv found = {0};
	_cleanup_free_ char *words = NULL;
	struct stat status;
	uid_t owner;

	if (!run->configuration.is_git || lstat(root, &status) < 0 || !status.st_uid)
		return;
	owner = status.st_uid;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		_cleanup_free_ char *path =
			names[i] ? xasprintf("%s/%s", root, names[i]) : NULL;

		if (path && lstat(path, &status) == 0 && !status.st_uid)
			strv_add(&found, path);
	}
	if (!found.len)
		return;
	words = text_shell_words(found.words);
	warn("now belongs to root, in a checkout of user %u: chown %u %s",
		(unsigned)owner, (unsigned)owner, words);
}

void advise_after(const struct run *run, const struct system_state *now)
{
	advise_about_boot(run, now);
	if (geteuid() == 0)
		advise_about_owner(run);
}
