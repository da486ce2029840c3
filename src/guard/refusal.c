#include "guard/refusal.h"

#include <inttypes.h>

#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "changes/describe.h"
#include "guard/findings.h"
#include "guard/way_out.h"
#include "record/config_name.h"

/* At most this many lines of findings are printed; the rest is counted. */
#define PATHS_SHOWN 20
/* Fewer with a refusal, because the way out must follow soon. */
#define REFUSED_SHOWN 8
#define UNDONE_MAX 500

/* "43,44": whose builds' work would be undone, or (redo) come back. The caller frees. */
static char *refusal_names(const struct guard *guard, bool redo)
{
	_cleanup_strv_ struct strv names = {0};

	for (size_t i = 0; i < guard->len; i++) {
		const struct guarded *guarded = &guard->list[i];

		if ((guarded->is_other_machine || guarded->verdict.more) && !redo)
			strv_add_once(&names, guarded->live.name);
		for (size_t j = 0; j < guarded->verdict.len; j++) {
			const struct finding *finding = &guarded->verdict.list[j];
			_cleanup_free_ char *number =
				xasprintf("%" PRIu64, finding->build);

			if (finding->verdict == VERDICT_REFUSED &&
				finding->is_redo == redo)
				strv_add_once(&names,
					finding->build ? number : guarded->live.name);
		}
	}
	strv_sort(&names);
	return strv_join(&names, ",");
}

bool refusal_is_allowed(const char *given, const char *names)
{
	_cleanup_strv_ struct strv words = strv_split(given, ", ");
	_cleanup_free_ char *sorted = NULL;

	strv_sort(&words);
	sorted = strv_join(&words, ",");
	return streq(sorted, names);
}

static bool has_refused(const struct guarded *guarded, bool redo)
{
	for (size_t i = 0; i < guarded->verdict.len; i++)
		if (guarded->verdict.list[i].verdict == VERDICT_REFUSED &&
			guarded->verdict.list[i].is_redo == redo)
			return true;
	return false;
}

/* Finds the build whose work all of it is; it need not be the last build. */
static bool find_endangered(struct build *ret, const struct guard *guard,
	const struct guarded *guarded, bool redo)
{
	uint64_t number = 0;

	for (size_t i = 0; i < guarded->verdict.len; i++) {
		const struct finding *finding = &guarded->verdict.list[i];

		if (finding->verdict != VERDICT_REFUSED || finding->is_redo != redo)
			continue;
		if (!finding->build || (number && finding->build != number))
			return false;
		number = finding->build;
	}
	return number && !guarded->verdict.more &&
	       build_by_number(ret, guard->call->ledger, number) > 0;
}

/* Who rolled it back, and when. */
static void put_rollback(
	struct strbuf *out, const struct guard *guard, const struct guarded *guarded)
{
	_cleanup_build_ struct build rollback = BUILD_INIT;
	_cleanup_free_ char *line = NULL;
	uint64_t number = 0;

	for (size_t i = 0; i < guarded->verdict.len && !number; i++)
		if (guarded->verdict.list[i].is_redo)
			number = guarded->verdict.list[i].rollback;
	if (number && build_by_number(&rollback, guard->call->ledger, number) > 0)
		line = describe_build(&rollback);
	strbuf_printf(out, "rolled back: %s",
		line ? line : "somebody went back outside safe-rebuild");
}

/* What would become of whose work: "would take away what is live: build 43 by ...". */
static void put_reason(
	struct strbuf *out, const struct guard *guard, const struct guarded *guarded)
{
	const bool redo = has_refused(guarded, true) && !has_refused(guarded, false) &&
			  !guarded->verdict.more;
	_cleanup_build_ struct build build = BUILD_INIT;
	_cleanup_free_ char *line = find_endangered(&build, guard, guarded, redo)
					    ? live_describe(&build, guard->call->ledger,
						      guard->call->settings)
					    : NULL;

	if (guarded->is_other_machine)
		strbuf_printf(out,
			"would replace '%s' by another machine's configuration: %s",
			guarded->live.build.config, guarded->live.description);
	else if (redo)
		strbuf_printf(out, "would bring back what was rolled back: %s",
			line ? line : "the work of several builds");
	else
		strbuf_printf(out, "would take away what is %s: %s",
			guarded->is_running ? "being built" : "live",
			line ? line : guarded->live.description);
}

static void say_headline(const struct guard *guard, const struct guarded *guarded)
{
	_cleanup_strbuf_ struct strbuf reason = STRBUF_INIT, rollback = STRBUF_INIT;

	put_reason(&reason, guard, guarded);
	error("refused: this %s %s", guard->call->request->action_word, reason.text);
	if (!has_refused(guarded, true))
		return;
	put_rollback(&rollback, guard, guarded);
	say("  %s", rollback.text);
}

static void say_unknown(const struct guarded *guarded)
{
	if (guarded->verdict.is_unknown)
		say("%s: %s; its configuration is not known, so safe-rebuild cannot "
		    "tell what this takes away",
			guarded->live.runs ? "running" : "next boot",
			guarded->live.description);
}

/* Uncommitted lines may be the caller's own, though somebody else built them first. */
static void say_draft(const struct guard *guard, const struct guarded *guarded)
{
	const struct guard_call *call = guard->call;

	for (size_t i = 0; i < guarded->verdict.len; i++) {
		const struct finding *finding = &guarded->verdict.list[i];
		_cleanup_build_ struct build build = BUILD_INIT;

		if (finding->verdict != VERDICT_REFUSED || !finding->uncommitted ||
			finding->is_redo ||
			build_by_number(&build, call->ledger, finding->build) <= 0 ||
			!build.config ||
			!config_is_beside(build.config, call->configuration->name))
			continue;
		say("  it came in with build %" PRIu64
		    " by %s, uncommitted in this checkout: if it was your own edit, "
		    "use --allow-undo as below",
			build.number, build.agent);
		return;
	}
}

static int refuse(const struct guard *guard, const char *undo, const char *redo)
{
	const struct guard_call *call = guard->call;

	for (size_t i = 0; i < guard->len; i++) {
		say_unknown(&guard->list[i]);
		if (!guarded_refuses(&guard->list[i]))
			continue;
		say_headline(guard, &guard->list[i]);
		findings_say(
			&guard->list[i].verdict, VERDICT_REFUSED, "  ", REFUSED_SHOWN);
		say_draft(guard, &guard->list[i]);
	}
	if (call->allow_undo && !refusal_is_allowed(call->allow_undo, undo))
		say("--allow-undo %s does not match: this would now undo %s",
			call->allow_undo, *undo ? undo : "nothing");
	if (call->allow_redo && !refusal_is_allowed(call->allow_redo, redo))
		say("--allow-redo %s does not match: this would now bring back %s",
			call->allow_redo, *redo ? redo : "nothing");
	way_out_say(guard, *undo);
	way_out_say_allow(call, undo, redo);
	log_to_syslog("%s was refused: %s would undo %s%s%s", call->caller->agent,
		call->command, *undo ? undo : "nothing", *redo ? " and bring back " : "",
		redo);
	return EXIT_REFUSED;
}

static void note_paths(struct build *build, const struct guard *guard)
{
	_cleanup_strv_ struct strv paths = {0};

	for (size_t i = 0; i < guard->len; i++)
		for (size_t j = 0; j < guard->list[i].verdict.len; j++)
			if (guard->list[i].verdict.list[j].verdict == VERDICT_REFUSED)
				strv_add_once(
					&paths, guard->list[i].verdict.list[j].path);
	if (!paths.len)
		return;
	set_string(&build->undone, text_shell_words(paths.words));
	build->undone[text_cut(build->undone, UNDONE_MAX)] = '\0';
}

static bool is_said(const struct finding *finding, bool allowed)
{
	return finding->verdict == VERDICT_WARNING ||
	       finding->verdict == VERDICT_REVERTED ||
	       finding->verdict == VERDICT_IGNORED ||
	       (finding->verdict == VERDICT_REFUSED && !allowed);
}

/* Others want to know that their work changed, even if nothing was refused. */
static void note_changed(struct build *build, const struct guard *guard, bool allowed)
{
	_cleanup_strv_ struct strv numbers = {0};

	for (size_t i = 0; i < guard->len; i++)
		for (size_t j = 0; j < guard->list[i].verdict.len; j++) {
			const struct finding *finding = &guard->list[i].verdict.list[j];
			_cleanup_free_ char *number =
				xasprintf("%" PRIu64, finding->build);

			if (is_said(finding, allowed) && finding->build &&
				finding->agent &&
				!build_is_of_agent(build, finding->agent))
				strv_add_once(&numbers, number);
		}
	strv_sort(&numbers);
	set_string(&build->changed_work, numbers.len ? strv_join(&numbers, ",") : NULL);
}

static void note_allowed(struct build *build, const struct guard *guard, const char *undo,
	const char *redo)
{
	set_string(&build->allowed_undo, *undo ? xstrdup(undo) : NULL);
	set_string(&build->allowed_redo, *redo ? xstrdup(redo) : NULL);
	note_paths(build, guard);
}

static void note_refused(struct build *build, const struct guard *guard, const char *undo,
	const char *redo)
{
	_cleanup_strbuf_ struct strbuf why = STRBUF_INIT;

	if (*undo)
		strbuf_printf(&why, "would take away the work of %s", undo);
	if (*redo)
		strbuf_printf(&why, "%swould bring back the work of %s",
			*undo ? " and " : "", redo);
	set_string(&build->refused, strbuf_take(&why));
	note_paths(build, guard);
}

void refusal_say_notes(const struct guard *guard)
{
	static const struct {
		enum item_verdict verdict;
		const char *prefix;
	} notes[] = {{VERDICT_IGNORED, "this goes back, as [guard] ignore allows: "},
		{VERDICT_OWN, "takes back what your own build did: "},
		{VERDICT_REVERTED, "reverted by a commit: "},
		{VERDICT_REWRITTEN, "note: whose commit was amended or rebased since: "},
		{VERDICT_UNKNOWN, "note: "}, {VERDICT_WARNING, "warning: "}};

	for (size_t i = 0; i < guard->len; i++) {
		if (!guard->list[i].is_soft)
			say_unknown(&guard->list[i]);
		for (size_t j = 0; j < ARRAY_LEN(notes); j++)
			findings_say(&guard->list[i].verdict, notes[j].verdict,
				notes[j].prefix, PATHS_SHOWN);
	}
}

/* A rollback goes to the previous generation, and so takes back all that is live. */
static int decide_rollback(const struct guard *guard, struct build *build)
{
	const struct guard_call *call = guard->call;

	for (size_t i = 0; i < guard->len; i++) {
		const struct live *live = &guard->list[i].live;
		const bool foreign =
			!build_is_of_agent(&live->build, call->caller->agent);

		if (guard->list[i].is_soft)
			continue;
		if (call->caller->is_agent && foreign &&
			call->settings->guard_undo == UNDO_REFUSE &&
			!refusal_is_allowed(call->allow_undo, live->name)) {
			error("refused: this rollback would take back what somebody else "
			      "made live: %s",
				live->description);
			way_out_say_allow(call, live->name, "");
			set_string(&build->refused,
				xasprintf("would take back the work of %s", live->name));
			return EXIT_REFUSED;
		}
		say("this takes back %s", live->description);
	}
	return 0;
}

int refusal_decide(const struct guard *guard, struct build *build, bool arriving)
{
	const struct guard_call *call = guard->call;
	_cleanup_free_ char *undo = refusal_names(guard, false);
	_cleanup_free_ char *redo = refusal_names(guard, true);
	const bool allowed = refusal_is_allowed(call->allow_undo, undo) &&
			     refusal_is_allowed(call->allow_redo, redo);

	if (call->request->rollback)
		return arriving ? 0 : decide_rollback(guard, build);
	if (guard_stops(guard) && !allowed) {
		note_refused(build, guard, undo, redo);
		return refuse(guard, undo, redo);
	}
	if (arriving)
		return 0;
	refusal_say_notes(guard);
	note_changed(build, guard, allowed);
	if (!guard_refuses(guard))
		return 0;
	for (size_t i = 0; i < guard->len; i++) {
		_cleanup_strbuf_ struct strbuf reason = STRBUF_INIT;

		if (!guarded_refuses(&guard->list[i]))
			continue;
		put_reason(&reason, guard, &guard->list[i]);
		warn("as %s says, this %s %s",
			!allowed ? "[guard] undo = warn"
			: *undo  ? "--allow-undo"
				 : "--allow-redo",
			call->request->action_word, reason.text);
		findings_say(
			&guard->list[i].verdict, VERDICT_REFUSED, "  ", REFUSED_SHOWN);
	}
	note_allowed(build, guard, allowed ? undo : "", allowed ? redo : "");
	return 0;
}

void refusal_put_summary(struct strbuf *out, const struct guard *guard)
{
	for (size_t i = 0; i < guard->len; i++) {
		const struct guarded *guarded = &guard->list[i];
		_cleanup_build_ struct build build = BUILD_INIT;
		bool is_named;

		if (!guarded_refuses(guarded))
			continue;
		strbuf_puts(out, out->len ? "; it " : "it ");
		put_reason(out, guard, guarded);
		if (has_refused(guarded, true)) {
			strbuf_puts(out, "; ");
			put_rollback(out, guard, guarded);
		}
		is_named = find_endangered(&build, guard, guarded, false) ||
			   find_endangered(&build, guard, guarded, true);
		findings_put_refused(out, &guarded->verdict, is_named ? build.number : 0);
	}
}

void refusal_say_way_out(const struct guard *guard)
{
	_cleanup_free_ char *undo = refusal_names(guard, false);

	if (guard_refuses(guard))
		way_out_say(guard, *undo);
}
