#include "ledger/recording.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "ledger/builds.h"
#include "ledger/references.h"

/* A reference or log whose number is further ahead of the chain was planted. */
#define NUMBERS_AHEAD 100000

/* The highest number that we believe of a reference or a log. */
static uint64_t credible_number(uint64_t recorded)
{
	return recorded && recorded < BUILD_NUMBER_MAX - NUMBERS_AHEAD
		       ? recorded + NUMBERS_AHEAD
		       : BUILD_NUMBER_MAX - 1;
}

static int highest_running(struct ledger *ledger, uint64_t max, uint64_t *highest)
{
	_cleanup_git_(reference_iterator) git_reference_iterator *iterator = NULL;
	const char *name;
	int result;

	if (git_reference_iterator_glob_new(
		    &iterator, ledger->repository, REF_RUNNING "*") < 0)
		return git_failed("cannot read the ledger '%s'", ledger->path);
	while ((result = git_reference_next_name(&name, iterator)) == 0) {
		uint64_t number = strtoumax(basename(name), NULL, 10);

		if (number > *highest && number <= max)
			*highest = number;
	}
	return result == GIT_ITEROVER
		       ? 0
		       : git_failed("cannot read the ledger '%s'", ledger->path);
}

/*
 * A log's number was given even if the ledger has lost it. Other users' files do not
 * count, because they could use up all numbers.
 */
static void highest_log(const struct ledger *ledger, uint64_t max, uint64_t *highest)
{
	_cleanup_closedir_ DIR *directory = opendir(ledger->log_path);
	const struct dirent *entry;

	while (directory && (entry = readdir(directory))) {
		const uint64_t number = strtoumax(entry->d_name, NULL, 10);
		struct stat status;

		if (number > *highest && number <= max &&
			ends_with(entry->d_name, ".log") &&
			fstatat(dirfd(directory), entry->d_name, &status,
				AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISREG(status.st_mode) &&
			(status.st_uid == 0 || status.st_uid == geteuid()))
			*highest = number;
	}
}

/* 0 also if the ledger has lost everything. */
static int find_tip(struct build *ret, struct ledger *ledger)
{
	struct build_walk walk = builds_walk(ledger, NULL);

	walk.begins_anew = true;
	return builds_next(ret, &walk);
}

int ledger_highest_number(struct ledger *ledger, uint64_t *ret)
{
	_cleanup_build_ struct build tip = BUILD_INIT;
	uint64_t max;

	if (find_tip(&tip, ledger) < 0)
		return -1;
	*ret = tip.numbers_given > tip.number ? tip.numbers_given : tip.number;
	max = credible_number(*ret);
	highest_log(ledger, max, ret);
	return highest_running(ledger, max, ret);
}

static char *commit_message(const struct build *build)
{
	struct strbuf out = STRBUF_INIT;
	const char *action = build->action ? build->action : "unknown";
	_cleanup_free_ char *subject = text_clean(action, strlen(action));

	/* A newline in the action would begin the record, which follows the first blank
	 * line. */
	strbuf_printf(&out, "%s: %s\n\n", subject, outcome_words[build->outcome]);
	build_put(&out, build, EVERYWHERE);
	return strbuf_take(&out);
}

static int make_signature(git_signature **ret, const struct build *build, time_t when)
{
	_cleanup_free_ char *address =
		xasprintf("%s@localhost", build->user ? build->user : "unknown");

	if (git_signature_new(ret, build->agent, address, when, 0) < 0)
		return git_failed("cannot record '%s' as an author", build->agent);
	return 0;
}

/* In libgit2 1.5, git_commit_create() succeeds even if it could not write the object. */
static int write_object(struct ledger *ledger, const void *data, size_t len,
	git_object_t type, git_oid *ret)
{
	_cleanup_git_(odb) git_odb *odb = NULL;

	if (git_repository_odb(&odb, ledger->repository) < 0 ||
		git_odb_write(ret, odb, data, len, type) < 0)
		return git_failed("cannot write to the ledger '%s'", ledger->path);
	return 0;
}

static int write_commit(struct ledger *ledger, const struct build *build,
	const git_oid *parent, git_oid *ret)
{
	_cleanup_free_ char *message = commit_message(build);
	_cleanup_git_(signature) git_signature *author = NULL, *committer = NULL;
	_cleanup_git_(commit) git_commit *parent_commit = NULL;
	_cleanup_git_(tree) git_tree *tree = NULL;
	git_buf content = GIT_BUF_INIT;
	const git_commit *parents[1];
	git_oid tree_id = build->tree;
	int result;

	if (make_signature(&author, build, build->started) < 0 ||
		make_signature(&committer, build,
			build->finished ? build->finished : build->started) < 0)
		return -1;
	if (!build_has_snapshot(build) &&
		write_object(ledger, "", 0, GIT_OBJECT_TREE, &tree_id) < 0)
		return -1;
	if (git_tree_lookup(&tree, ledger->repository, &tree_id) < 0)
		return git_failed("cannot find the snapshot in the ledger");
	if (parent && git_commit_lookup(&parent_commit, ledger->repository, parent) < 0)
		return git_failed("cannot read the ledger '%s'", ledger->path);
	parents[0] = parent_commit;
	result = git_commit_create_buffer(&content, ledger->repository, author, committer,
		"UTF-8", message, tree, parent ? 1 : 0, parents);
	result = result < 0 ? git_failed("cannot write to the ledger '%s'", ledger->path)
			    : write_object(ledger, content.ptr, content.size,
				      GIT_OBJECT_COMMIT, ret);
	git_buf_dispose(&content);
	return result;
}

/*
 * A failure is no error, because the build is in the chain. A member cannot remove a
 * reference that root has packed; root's next run that takes the lock does.
 */
static int remove_running(struct ledger *ledger, const char *name)
{
	git_oid id;

	if (git_reference_name_to_id(&id, ledger->repository, name) == 0 &&
		reference_remove(ledger, name) < 0)
		warn("the build has ended but stays listed as running: only a run of "
		     "root can change that");
	return 0;
}

int ledger_begin(struct ledger *ledger, struct build *build)
{
	_cleanup_ledger_lock_ int lock = ledger_lock_to_write(ledger);
	uint64_t highest;
	git_oid commit;
	int taken;

	if (lock < 0 || ledger_highest_number(ledger, &highest) < 0)
		return -1;
	if (highest >= BUILD_NUMBER_MAX)
		return error("the ledger '%s' has no build numbers left", ledger->path);
	build->outcome = OUTCOME_RUNNING;
	build->number = highest;
	do {
		/* Does not overwrite a reference that could not be read just now. */
		_cleanup_free_ char *reference = ref_of_running(++build->number);

		taken = write_commit(ledger, build, NULL, &commit) < 0
				? -1
				: reference_make(ledger, reference, &commit, false);
	} while (taken > 0 && build->number < BUILD_NUMBER_MAX);
	if (taken)
		build->number = 0;
	return taken ? -1 : 0;
}

/*
 * Behind a break in the chain, walks go on with agents' last builds (builds.h). Such a
 * build keeps a reference when its agent's moves to a newer one.
 */
static int keep_bridge(struct ledger *ledger, const char *agent, const git_oid *tip)
{
	_cleanup_free_ char *bridge = NULL;
	git_oid last;

	if (git_reference_name_to_id(&last, ledger->repository, agent) < 0 ||
		git_oid_equal(&last, tip) || !ledger_has(ledger, &last) ||
		git_graph_descendant_of(ledger->repository, tip, &last) == 1)
		return 0;
	bridge = xasprintf(REF_BRIDGES "%s", git_oid_tostr_s(&last));
	return reference_set(ledger, bridge, &last);
}

/* Whether this user has recorded the build: in a process that was killed, or in another
 * run that found it, too. Somebody may have planted another build of that number, but not
 * as our file; and what root has recorded for a member names that user. */
static bool is_recorded_as(const struct ledger *ledger, const struct build *recorded,
	const struct build *build)
{
	uid_t writer;

	return ledger_owner_of(&writer, ledger, &recorded->commit) &&
	       writer == geteuid() && streq_known(recorded->agent, build->agent) &&
	       streq_known(recorded->user, build->user) &&
	       recorded->started == build->started;
}

int ledger_finish(struct ledger *ledger, struct build *build)
{
	_cleanup_ledger_lock_ int lock = ledger_lock_to_write(ledger);
	_cleanup_free_ char *running = ref_of_running(build->number);
	_cleanup_free_ char *agent = ref_of_agent(build->target, build->agent);
	_cleanup_build_ struct build earlier = BUILD_INIT;
	_cleanup_build_ struct build tip = BUILD_INIT;
	git_oid commit;
	int found, has_tip;

	if (lock < 0 || ledger_highest_number(ledger, &build->numbers_given) < 0)
		return -1;
	/* Its own number was given, even if it could not be read just now. */
	if (build->numbers_given < build->number)
		build->numbers_given = build->number;
	has_tip = find_tip(&tip, ledger);
	found = has_tip > 0 ? build_in_chain(&earlier, ledger, build->number) : has_tip;
	if (found < 0)
		return -1;
	if (found && is_recorded_as(ledger, &earlier, build))
		return remove_running(ledger, running);
	if (found)
		warn("the ledger '%s' has another record of build %" PRIu64
		     ", by %s: both are kept",
			ledger->path, build->number, earlier.agent);
	set_string(&build->ticket, NULL);
	/* The chain first: after a crash here the build is recorded, but still listed as
	 * running. */
	if (write_commit(ledger, build, has_tip ? &tip.commit : NULL, &commit) < 0 ||
		reference_set(ledger, REF_CHAIN, &commit) < 0)
		return -1;
	if (keep_bridge(ledger, agent, &commit) < 0 ||
		reference_set(ledger, agent, &commit) < 0)
		warn("%s's next build will be compared with a build before this one, "
		     "because the agent's reference could not be moved",
			build->agent);
	return remove_running(ledger, running);
}

bool ledger_lists_as_running(struct ledger *ledger, uint64_t number)
{
	_cleanup_free_ char *running = ref_of_running(number);
	git_oid id;

	return git_reference_name_to_id(&id, ledger->repository, running) !=
	       GIT_ENOTFOUND;
}

int ledger_forget_running(struct ledger *ledger, uint64_t number)
{
	_cleanup_ledger_lock_ int lock = ledger_lock_to_write(ledger);
	_cleanup_free_ char *running = ref_of_running(number);

	return lock < 0 ? -1 : remove_running(ledger, running);
}

int ledger_note_refusal(struct ledger *ledger, const struct build *call)
{
	_cleanup_ledger_lock_ int lock = ledger_lock_to_write(ledger);
	struct build_walk walk = refusals_walk(ledger);
	_cleanup_build_ struct build last = BUILD_INIT;
	git_oid commit;
	int found;

	if (lock < 0)
		return -1;
	found = builds_next(&last, &walk);
	if (found < 0)
		return -1;
	if (found && streq_known(last.agent, call->agent) &&
		streq_known(last.command, call->command) &&
		streq_known(last.refused, call->refused))
		return 0;
	return write_commit(ledger, call, found ? &last.commit : NULL, &commit) < 0
		       ? -1
		       : reference_set(ledger, REF_REFUSED, &commit);
}

int ledger_join(struct ledger *ledger, const char *target, const char *agent,
	const git_oid *commit)
{
	_cleanup_free_ char *reference = ref_of_agent(target, agent);
	_cleanup_ledger_lock_ int lock = ledger_lock_to_write(ledger);

	return lock < 0 ? -1 : reference_set(ledger, reference, commit);
}
