#include "guard/live.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "caller/caller.h"
#include "changes/describe.h"
#include "ledger/lineage.h"
#include "ledger/recording.h"
#include "queue/ticket.h"

#define SCRIPT_MAX ((size_t)64 << 10)
#define REVISION_KEY "configurationRevision"

/*
 * The revision is a literal in this script, in what it prints with --json:
 * "configurationRevision":"0123..." (nixpkgs, nixos/modules/installer/tools).
 */
static void read_revision(git_oid *ret, const char *system)
{
	_cleanup_free_ char *path = xasprintf("%s/sw/bin/nixos-version", system);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	_cleanup_free_ char *text = NULL;
	const char *at;

	*ret = (git_oid){0};
	if (fd < 0 || read_to_end(fd, SCRIPT_MAX, &text, NULL) < 0)
		return;
	at = strstr(text, REVISION_KEY);
	if (!at)
		return;
	at += strlen(REVISION_KEY);
	at += strspn(at, "\"\\: ");
	if (strspn(at, "0123456789abcdef") >= GIT_OID_HEXSZ)
		git_oid_fromstr(ret, at);
}

/* When the link was made, and so the system: " on 2026-11-22 at 10:40". */
static char *describe_time(const char *link)
{
	struct stat status;
	char text[64] = "";
	struct tm time;

	if (lstat(link, &status) == 0 && localtime_r(&status.st_mtime, &time))
		(void)!strftime(text, sizeof(text), " on %F at %R", &time);
	return xstrdup(text);
}

static void describe_outside(
	struct live *live, const char *link, const char *what, uint64_t generation)
{
	_cleanup_free_ char *when = describe_time(link);

	if (generation) {
		live->name = xasprintf("gen:%" PRIu64, generation);
		live->description =
			xasprintf("generation %" PRIu64 ", made outside safe-rebuild%s",
				generation, when);
	} else {
		live->name = xstrdup(live->system);
		live->description = xasprintf(
			"%s %s, made outside safe-rebuild%s", what, live->system, when);
	}
	read_revision(&live->build.config_commit, live->system);
}

/*
 * Whether the build has the turn and made the link. Its phase may still be "building":
 * nixos-rebuild sets the profile before it says that it activates. That of a killed
 * runner is older still.
 */
static bool has_just_set(const struct build *ticket, const char *link, bool is_alive)
{
	struct stat status;

	return ticket->number && ticket_name_queues(ticket->ticket) &&
	       (!is_alive || ticket->phase == PHASE_BUILDING ||
		       ticket->phase == PHASE_ACTIVATING) &&
	       lstat(link, &status) == 0 && status.st_mtime >= ticket->started;
}

static bool made(
	const struct build *ticket, const char *system, const char *link, bool is_alive)
{
	const bool is_on_trial =
		ticket->phase == PHASE_CHECKING || ticket->phase == PHASE_UNCONFIRMED;

	if (is_on_trial && ticket->system_after)
		return streq(ticket->system_after, system);
	return has_just_set(ticket, link, is_alive);
}

/*
 * The build not yet recorded as ended whose system is on trial, being activated, or was
 * left by a runner that was killed.
 */
static int find_unended(struct build *ret, struct ledger *ledger,
	const struct target *target, const char *system, const char *link)
{
	_cleanup_builds_ struct builds tickets = {0}, dead = {0};

	if (tickets_read(&tickets, target->queue) < 0)
		return 0;
	for (size_t i = 0; i < tickets.len; i++)
		if (made(&tickets.list[i], system, link, true))
			return build_by_number(ret, ledger, tickets.list[i].number);
	if (tickets_read_dead(&dead, target->queue) < 0)
		return 0;
	for (size_t i = 0; i < dead.len; i++)
		if (made(&dead.list[i], system, link, false) &&
			ledger_lists_as_running(ledger, dead.list[i].number))
			return build_by_number(ret, ledger, dead.list[i].number);
	return 0;
}

int live_build(struct build *ret, struct ledger *ledger, const struct target *target,
	const char *system, const char *link)
{
	const int found = build_by_system(ret, ledger, system);

	return found ? found : find_unended(ret, ledger, target, system, link);
}

char *live_describe(const struct build *build, const struct ledger *ledger,
	const struct settings *settings)
{
	_cleanup_free_ char *line = describe_build(build), *user = NULL;
	uid_t writer;

	if (ledger_vouches(ledger, settings, &build->commit) ||
		!ledger_owner_of(&writer, ledger, &build->commit))
		return TAKE_PTR(line);
	user = caller_user(writer);
	return xasprintf("%s (according to a record by user %s)", line, user);
}

static int find_one(struct live *ret, struct ledger *ledger,
	const struct settings *settings, const struct target *target, const char *system,
	const char *link, const char *what, uint64_t generation)
{
	int found;

	ret->system = xstrdup(system);
	found = live_build(&ret->build, ledger, target, system, link);
	if (found < 0)
		return -1;
	ret->is_build = found;
	if (!found) {
		describe_outside(ret, link, what, generation);
		return 0;
	}
	ret->name = xasprintf("%" PRIu64, ret->build.number);
	ret->description = live_describe(&ret->build, ledger, settings);
	return 0;
}

int lives_find(struct live ret[LIVES_MAX], struct ledger *ledger,
	const struct settings *settings, const struct target *target)
{
	_cleanup_system_ struct system_state state = {0};
	bool same;
	int len = 0;

	for (size_t i = 0; i < LIVES_MAX; i++)
		ret[i] = (struct live){.build = BUILD_INIT};
	state = system_read(settings, target);
	same = state.running && state.profile && streq(state.running, state.profile);
	ret[0].runs = state.running != NULL;
	if (same) {
		_cleanup_lineage_ struct lineage lineage = {.newer = BUILD_INIT};
		const int resumed =
			lineage_begin(&lineage, ledger, target->name, state.profile);

		if (resumed < 0)
			return -1;
		ret[0].resumed = resumed;
	}
	if (state.running &&
		find_one(&ret[len++], ledger, settings, target, state.running,
			settings->current_system_path, "the running system",
			same ? state.generation : 0) < 0)
		return -1;
	if (state.profile && !same &&
		find_one(&ret[len++], ledger, settings, target, state.profile,
			target->profile, "the system of the next boot",
			state.generation) < 0)
		return -1;
	return len;
}

void live_free(struct live *live)
{
	free(live->system);
	free(live->name);
	free(live->description);
	build_free(&live->build);
}
