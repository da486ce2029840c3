#include "run/look.h"

#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "changes/explain.h"
#include "changes/report.h"
#include "guard/guard.h"
#include "ledger/recording.h"
#include "run/brief.h"
#include "run/notice.h"
#include "run/orphans.h"
#include "run/remarks.h"

/* How many lines of a report follow a refusal. */
#define REFUSED_LINES 20u
/* What changed, before a build: as much as anybody reads. */
#define REPORT_MAX 16000

/* Lets those who wait know how long this build takes, if the ledger can tell. */
void look_estimate(struct run *run, struct ledger *ledger)
{
	int64_t seconds;

	if (build_expected_seconds(
		    &seconds, ledger, run->target.name, run->build.command) == 0)
		run->build.expected = (uint64_t)seconds;
}

static void take_snapshot(struct run *run)
{
	struct snapshot *snapshot = &run->snapshot;

	if (run->configuration.kind == CONFIGURATION_ELSEWHERE) {
		say("no snapshot: %s (%s)", run->configuration.why_elsewhere,
			run->configuration.name);
		return;
	}
	if (snapshot_take(snapshot, &run->configuration, run->settings, run->ledger,
		    true) < 0) {
		warn("going on without a snapshot of '%s': changes cannot be shown",
			run->configuration.name);
		return;
	}
	run->build.config_state = snapshot->state;
	run->build.config_commit = snapshot->commit;
	set_string(&run->build.config_subject, xstrdup(snapshot->subject));
	run->build.config_tree = snapshot->committed;
	run->build.left_out = snapshot->left_out;
	run->build.tree = snapshot->tree;
}

/* refused: a short report, so that the way out of the refusal stays in sight. */
static void show_changes(struct run *run, bool refused)
{
	const size_t lines = run->settings->show_lines;
	_cleanup_free_ char *words = request_words(&run->request);
	const struct report_options options = {
		.show = run->settings->show_changes,
		.lines = refused && lines > REFUSED_LINES ? REFUSED_LINES : lines,
		.bytes = run->streams.brief ? BRIEF_REPORT_MAX : REPORT_MAX,
		.words = words,
	};
	_cleanup_changes_ struct changes changes = {0};
	_cleanup_edits_ struct edits edits = {0};
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	const char *at, *line;
	size_t len;

	if (changes_find_base(&changes, run->ledger, &run->caller, run->target.name) <
			0 ||
		changes_compute(
			&changes, run->ledger, run->target.name, &run->snapshot.tree) < 0)
		return;
	edits_read(&edits, run->settings);
	changes_explain(
		&changes, run->ledger, &run->configuration, &run->snapshot, &edits);
	if (report_changes(&text, &changes, run->ledger, &options) < 0)
		return;
	at = text.text;
	while (text_next_line(&at, text.text + text.len, &line, &len))
		say("%.*s", (int)len, line);
}

void look_note_refusal(const struct run *run)
{
	_cleanup_ledger_ struct ledger *ledger = NULL;
	_cleanup_build_ struct build call = BUILD_INIT;

	build_copy(&call, &run->build);
	call.outcome = OUTCOME_REFUSED;
	call.exit_status = EXIT_REFUSED;
	call.started = call.requested;
	call.finished = time(NULL);
	/* Nothing was built, so its snapshot may exist only in memory. */
	call.tree = call.config_tree = (git_oid){0};
	call.config_state = CONFIG_NONE;
	if (ledger_open_to_record(&ledger, run->settings) == 0)
		(void)!ledger_note_refusal(ledger, &call);
	notice_send(run->settings, &run->surroundings, "refused", &call);
}

static int guard(struct run *run, bool arriving)
{
	const struct guard_call call = {
		.settings_words = run->options->settings_words,
		.own_words = run->options->words,
		.settings = run->settings,
		.caller = &run->caller,
		.target = &run->target,
		.request = &run->request,
		.configuration = &run->configuration,
		.snapshot = build_has_snapshot(&run->build) ? &run->snapshot : NULL,
		.command = run->build.command,
		.allow_undo = run->options->allow_undo,
		.allow_redo = run->options->allow_redo,
		.ledger = run->ledger,
	};

	const int status = run->ledger ? guard_check(&call, &run->build, arriving) : 0;

	if (status == EXIT_REFUSED)
		look_note_refusal(run);
	return status;
}

/* What the record needs before nixos-rebuild starts. None of it may stop the rebuild. */
void look_at_configuration(struct run *run)
{
	if (ledger_open_to_record(&run->ledger, run->settings) < 0) {
		warn_and_log(
			"the ledger cannot be used: no changes are shown and this %s is "
			"not recorded",
			run->request.action_word);
		return;
	}
	if (run_needs_lock(run))
		orphans_record(run);
	if (!run->build.expected)
		look_estimate(run, run->ledger);
	take_snapshot(run);
}

/* Tells the caller what it has to know; a refusal comes first. */
int look_tell(struct run *run)
{
	const int status = guard(run, false);

	if (run->ledger && build_has_snapshot(&run->build)) {
		snapshot_say_remarks(&run->snapshot);
		show_changes(run, status);
		if (!status)
			remark_before(run);
	}
	return status;
}

/*
 * A caller who would wait only to be refused is told at once, judged against what is live
 * and what is being built. What cannot be judged now is judged when the turn comes.
 */
int look_before_queue(struct run *run)
{
	_cleanup_ledger_ struct ledger *ledger = NULL;
	int status = 0;

	if (!run_needs_lock(run) || !action_changes_system(run->request.action) ||
		run->configuration.kind == CONFIGURATION_ELSEWHERE ||
		!queue_is_busy(&run->target) || ledger_open(&ledger, run->settings) < 0 ||
		!ledger)
		return 0;
	run->ledger = ledger;
	if (snapshot_take(&run->snapshot, &run->configuration, run->settings, ledger,
		    false) == 0) {
		run->build.config_state = run->snapshot.state;
		status = guard(run, true);
	}
	run->build.config_state = CONFIG_NONE;
	snapshot_free(&run->snapshot);
	run->snapshot = (struct snapshot){0};
	run->ledger = NULL;
	return status;
}
