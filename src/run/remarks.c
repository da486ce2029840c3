#include "run/remarks.h"

#include <inttypes.h>
#include <pwd.h>

#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "changes/describe.h"
#include "changes/tree_diff.h"
#include "changes/uncommitted.h"
#include "ledger/builds.h"

/* argparse's, of nixos-rebuild-ng. */
#define NIXOS_REBUILD_USAGE 2
/* What failed longer ago may have had another reason. */
#define FAILED_SECONDS 86400
/* So many paths are named; a checkout of another branch can change thousands. */
#define MEANWHILE_MAX 20
/* Nix says that it writes flake.lock and does so, within this time. */
#define LOCK_FILE_SECONDS 5
#define PACKAGES_MS 5000
#define ANSWER_MAX ((size_t)1 << 20)
#define LINES_SHOWN 9
#define LINE_SHOWN 200

/* Whether the words say something that a build of the same configuration need not say: an
 * option that is not known, or other inputs. Then they may be the reason that it failed.
 */
static bool has_own_options(const char *command)
{
	/* They are all flags, and change only what is printed or how much is built. */
	static const char *const idle[] = {"--show-trace", "--print-build-logs",
		"--verbose", "--quiet", "--keep-going", "--keep-failed", "--no-reexec",
		"--fast", "--no-build-nix", "--no-build-output", NULL};
	_cleanup_strv_ struct strv all = strv_split(command, " '"), words = {0};
	struct request request = {0};

	for (size_t i = 0; i < all.len; i++)
		if (!text_is_among(all.words[i], idle))
			strv_add(&words, all.words[i]);
	request_parse(&request, &words);
	return request.unknown || request.impure;
}

char *remark_failed(struct ledger *ledger, const char *target, const char *action,
	const char *config, const git_oid *tree)
{
	struct build_walk walk = builds_walk(ledger, target);
	_cleanup_build_ struct build build = BUILD_INIT;
	_cleanup_free_ char *line = NULL, *quoted = NULL;
	int found;

	/* Only the newest build of this configuration counts. */
	while ((found = builds_next(&build, &walk)) > 0)
		if (build_has_snapshot(&build) && !build.back_to && build.config &&
			build.action && streq(build.action, action) &&
			build.exit_status != NIXOS_REBUILD_USAGE &&
			!has_own_options(build.command) && streq(build.config, config) &&
			git_oid_equal(&build.tree, tree))
			break;
	if (found <= 0 || time(NULL) - build.finished >= FAILED_SECONDS ||
		(build.outcome != OUTCOME_FAILED && build.outcome != OUTCOME_ROLLED_BACK))
		return NULL;
	line = describe_build(&build);
	quoted = build.nix_error ? text_quote(build.nix_error, 120) : NULL;
	return xasprintf("this same configuration %s: %s%s%s%s%s",
		build.outcome == OUTCOME_FAILED ? "has failed" : "was taken back", line,
		quoted ? ": " : "", quoted ? quoted : "",
		build.nix_error_at ? " at " : "",
		build.nix_error_at ? build.nix_error_at : "");
}

void remark_before(const struct run *run)
{
	_cleanup_free_ char *text = remark_failed(run->ledger, run->target.name,
		run->request.action_word, run->configuration.name, &run->snapshot.tree);

	if (text)
		warn("%s", text);
}

/*
 * Whether the only change is the flake.lock that nixos-rebuild itself has written, and
 * nobody after it.
 */
static bool is_own_lock_file(const char *lock_file, time_t written,
	const struct path_changes *changes, const struct file_look *looks)
{
	return lock_file && written && changes->len == 1 &&
	       streq(changes->list[0].path, lock_file) && looks[0].is_there &&
	       looks[0].saved <= written + LOCK_FILE_SECONDS;
}

static void name_changes(struct run *run, const struct path_changes *changes,
	const struct file_look *looks)
{
	_cleanup_strv_ struct strv paths = {0};

	for (size_t i = 0; i < changes->len && i < MEANWHILE_MAX; i++) {
		const char *path = changes->list[i].path;
		_cleanup_free_ char *saved =
			saved_describe(&looks[i], run->configuration.root, path, NULL);

		strv_add(&paths, path);
		say("changed while building: %s (%s)", path, saved ? saved : "gone");
	}
	if (changes->len > MEANWHILE_MAX) {
		say("changed while building: and %zu more", changes->len - MEANWHILE_MAX);
		strv_add(&paths, "...");
	}
	set_string(&run->build.changed_while_building, text_shell_words(paths.words));
}

/* The link that nixos-rebuild itself leaves in a directory without git. */
static bool is_result(const struct path_change *change)
{
	return streq(change->path, "result") && change->new_mode == GIT_FILEMODE_LINK;
}

void remark_meanwhile(struct run *run, time_t lock_file_written)
{
	_cleanup_path_changes_ struct path_changes changes = {0};
	_cleanup_snapshot_ struct snapshot after = {0};
	_cleanup_free_ struct file_look *looks = NULL;

	if (!build_has_snapshot(&run->build))
		return;
	if (snapshot_take(&after, &run->configuration, run->settings, run->ledger, true) <
		0) {
		set_string(&run->build.changed_while_building, xstrdup("?"));
		return;
	}
	if (tree_diff(&changes, run->ledger->repository, &run->snapshot.tree,
		    &after.tree) < 0 ||
		!changes.len || (changes.len == 1 && is_result(&changes.list[0])))
		return;
	looks = changed_files_look(run->configuration.root, &changes);
	if (is_own_lock_file(
		    run->configuration.lock_file, lock_file_written, &changes, looks)) {
		/* What was built is the configuration with it. */
		run->build.tree = after.tree;
		run->build.config_state = after.state;
		run->build.config_tree = after.committed;
		say("nixos-rebuild has written %s: it is not committed yet",
			run->configuration.lock_file);
		return;
	}
	name_changes(run, &changes, looks);
}

static void remark_boot(const struct run *run, const struct system_state *now)
{
	if (!now->running || !now->profile || streq(now->running, now->profile) ||
		!action_changes_system(run->request.action))
		return;
	if (run->request.action == ACTION_BOOT)
		say("it takes effect at the next boot; another system is running now");
	else
		say("the next boot starts another system than the running one: "
		    "generation %" PRIu64,
			now->generation);
}

/* The places in a checkout that nixos-rebuild writes to: flake.lock and git's files. */
static void remark_owner(const struct run *run)
{
	const char *root = run->configuration.root;
	const char *names[] = {".", ".git/index", ".git/objects", ".git/HEAD",
		".git/FETCH_HEAD", ".git/config", run->configuration.lock_file};
	const size_t len = ARRAY_LEN(names) - (run->configuration.lock_file ? 0 : 1);
	_cleanup_free_ struct file_look *looks = NULL;
	_cleanup_strv_ struct strv found = {0};
	_cleanup_free_ char *words = NULL, *owner = NULL;
	const struct passwd *user;

	if (!run->configuration.is_git)
		return;
	looks = files_look(root, names, len);
	if (!looks[0].is_there || !looks[0].owner)
		return;
	for (size_t i = 1; i < len; i++)
		if (looks[i].is_there && !looks[i].owner)
			strv_take(&found, xasprintf("%s/%s", root, names[i]));
	if (!found.len)
		return;
	words = text_shell_words(found.words);
	user = getpwuid(looks[0].owner);
	owner = user ? xstrdup(user->pw_name) : xasprintf("%u", (unsigned)looks[0].owner);
	warn("files in this checkout of user %s now belong to root: %schown %s %s", owner,
		run->caller.elevation, owner, words);
}

void remark_after(const struct run *run, const struct system_state *now)
{
	remark_boot(run, now);
	if (getuid() == 0)
		remark_owner(run);
}

static void say_packages_lines(const char *text)
{
	const char *at = text, *line;
	size_t len, lines = 0;

	while (text_next_line(&at, text + strlen(text), &line, &len)) {
		if (!len || lines++ >= LINES_SHOWN)
			continue;
		say("  %.*s", (int)(len > LINE_SHOWN ? LINE_SHOWN : len), line);
	}
	if (lines > LINES_SHOWN)
		say("  and %zu more", lines - LINES_SHOWN);
}

void remark_packages(const struct run *run, const struct system_state *before,
	const struct system_state *after)
{
	const struct strv *command = &run->settings->show_packages;
	const char *from = system_aim(before, run->request.action);
	const char *to = system_aim(after, run->request.action);
	_cleanup_strv_ struct strv argv = {0};
	_cleanup_free_ char *text = NULL;

	if (!command->len || !from || !to || streq(from, to) ||
		!action_changes_system(run->request.action))
		return;
	strv_add_all(&argv, command->words);
	strv_add_words(&argv, from, to);
	text = child_output(argv.words, &run->surroundings, PACKAGES_MS, ANSWER_MAX);
	if (!text)
		warn("cannot tell which packages changed: '%s' failed, or took "
		     "longer than %d s",
			command->words[0], PACKAGES_MS / 1000);
	else if (*text)
		say("packages:");
	if (text)
		say_packages_lines(text);
}
