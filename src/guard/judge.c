#include "guard/judge.h"

#include <inttypes.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/message.h"
#include "base/worker.h"
#include "changes/edits.h"
#include "guard/checkout.h"
#include "guard/history.h"
#include "ledger/remote.h"

#define DEADLINE_MS 30000
/* A hook notes an edit so soon after the file was written. */
#define EDIT_SECONDS 2
#define FRAME_FINDING WORKER_FRAMES

/* In the worker. */
struct court {
	struct case_at_hand *hand;
	git_repository *repository; /* the ledger's objects, and those of checkouts */
	struct history history;
	struct items items;
	struct edits edits;
	git_oid live; /* tree; zero: not known */
	bool is_elsewhere;
};

static void court_free(struct court *court)
{
	history_free(&court->history);
	items_free(&court->items);
	edits_free(&court->edits);
}

/* What is live: the end of the chain, else (made outside) the commit that it tells. */
static void find_live(struct court *court)
{
	struct chain *chain = &court->hand->chain;

	if (!chain->len && history_tree(&court->live, &court->history,
				   &court->hand->live->config_commit))
		chain_add(chain, &court->live);
	if (chain->len)
		court->live = chain->list[chain->len - 1].tree;
}

static int hear(struct court *court)
{
	const struct case_at_hand *hand = court->hand;
	const struct configuration *configuration = hand->configuration;
	_cleanup_free_ char *live_root = checkout_of_build(hand->live);
	git_repository *repository = court->repository;

	court->is_elsewhere = !hand->live->config ||
			      !checkout_is_same(hand->live->config, configuration->name);
	if (history_open(&court->history, repository,
		    configuration->is_git ? configuration->root : NULL, live_root,
		    &hand->snapshot->commit, &hand->live->config_commit) < 0)
		return -1;
	find_live(court);
	if (git_oid_is_zero(&court->live))
		return 0;
	if (items_find(&court->items, repository, &court->live, &hand->snapshot->tree,
		    hand->settings) < 0 ||
		chain_attribute(
			&court->hand->chain, &court->items, repository, hand->agent) < 0)
		return -1;
	history_mark(&court->history, &court->items, &court->live);
	edits_read(&court->edits, hand->settings);
	/* From here on .delta tells what live has changed since the common ancestor. */
	if (git_oid_is_zero(&court->history.base))
		return 0;
	if (items_compare(&court->items, repository, &court->history.base, &court->live,
		    NULL, NULL) < 0)
		return -1;
	items_note_stale(&court->items);
	return 0;
}

/* Whether live has it, or has taken it out, since what both have in common. One copy more
 * comes back only where it once stood. */
static bool is_since_base(const struct court *court, const struct item *item)
{
	const int64_t delta =
		item->has_copy && !item->is_lost ? item->delta_here : item->delta;

	return !court->history.has_live && !git_oid_is_zero(&court->history.base) &&
	       (item->is_lost ? delta > 0 : delta < 0);
}

/* A new text that stands in the lost line's place: of the same name, in the same block
 * (which may have gone to another file), and never built. */
static struct item *find_replacement(const struct court *court, const struct item *item)
{
	for (size_t i = 0; item->key && i < court->items.len; i++) {
		struct item *other = &court->items.list[i];

		if (other->kind == ITEM_LINE && !other->is_lost &&
			other->key == item->key && other->enclosing == item->enclosing &&
			(other->path == item->path || item->enclosing) &&
			other->owner == NO_OWNER)
			return other;
	}
	return NULL;
}

static const struct build *owner_of(const struct court *court, const struct item *item)
{
	const struct step *step;

	if (item->owner == NO_OWNER)
		return NULL;
	step = &court->hand->chain.list[item->owner];
	for (size_t i = 0; i < step->failed.len; i++)
		if (step->failed.list[i].number == item->first_build)
			return &step->failed.list[i];
	return &step->build;
}

static char *file_of(const struct court *court, const struct item *item)
{
	return xasprintf("%s/%s", court->hand->configuration->root,
		item_path(&court->items, item));
}

/* The lost line of the same name and step that a returned one stands for. */
static const struct item *find_counterpart(
	const struct court *court, const struct item *item)
{
	for (size_t i = 0; item->key && !item->is_lost && i < court->items.len; i++) {
		const struct item *other = &court->items.list[i];

		if (other->kind == ITEM_LINE && other->is_lost &&
			other->path == item->path && other->key == item->key &&
			other->owner == item->owner)
			return other;
	}
	return NULL;
}

/* The build that it is told of. */
static const struct build *maker_of(const struct court *court, const struct item *item)
{
	const struct item *counterpart = find_counterpart(court, item);

	return owner_of(court, counterpart ? counterpart : item);
}

/* Who wrote it: the only one who edited the file before it was first built, else the
 * builder. */
static const char *author_of(const struct court *court, const struct item *item)
{
	const struct build *owner = maker_of(court, item);
	_cleanup_free_ char *file = file_of(court, item);
	const struct step *steps = court->hand->chain.list;
	const char *author = NULL;

	if (!owner)
		return NULL;
	if (item->owner > 0 && !steps[item->owner].is_rollback)
		author = edits_author(&court->edits, file,
			steps[item->owner - 1].build.started, owner->started);
	return author ? author : owner->agent;
}

/* Whether nothing but the last edit has written the file: no stash, no checkout. */
static bool is_as_edited(const struct court *court, const char *file)
{
	const struct edit *last = edits_last(&court->edits, file);
	struct stat status;

	return last && lstat(file, &status) == 0 &&
	       status.st_mtime <= last->when + EDIT_SECONDS;
}

/* Whether the author has taken it out again himself, as far as edits are known. */
static bool is_taken_back(
	const struct court *court, const struct item *item, const char *author)
{
	const struct build *owner = owner_of(court, item);
	_cleanup_free_ char *file = file_of(court, item);
	const char *editor =
		owner ? edits_author(&court->edits, file, owner->started, 0) : NULL;

	return editor && streq(editor, author) && is_as_edited(court, file);
}

/* Whether something older takes its place; what has lines can do nothing else. */
static bool goes_back(const struct item *item)
{
	if (item->kind == ITEM_INPUT)
		return item->is_stale;
	return item->kind != ITEM_ENTRY || !item->mine || !item->is_lost ||
	       item->is_stale;
}

/* What neither names nor excuses decide. */
static enum item_verdict weigh(
	const struct court *court, struct item *item, const struct item *replacement)
{
	const bool is_since = is_since_base(court, item);

	/* It may be one and the same option, or another machine's: said, not refused. */
	if (item->has_copy && !(item->whole_file && item->is_lost))
		return VERDICT_WARNING;
	if (replacement) {
		set_string(&item->other, xstrdup(replacement->text));
		if (!is_since || !court->is_elsewhere)
			return VERDICT_WARNING;
	}
	/* One that is gone may have no use any more: the line that used it tells. */
	if (item->kind == ITEM_INPUT && !item->mine)
		return VERDICT_WARNING;
	if (item->kind == ITEM_INPUT)
		return goes_back(item) ? VERDICT_REFUSED : VERDICT_NONE;
	if (is_since)
		return VERDICT_REFUSED;
	if (item->kind == ITEM_ENTRY && item->mine)
		return goes_back(item) ? VERDICT_REFUSED : VERDICT_WARNING;
	return item->is_fresh ? VERDICT_WARNING : VERDICT_REFUSED;
}

/* One's own rollback of somebody else's work: it was taken out for a reason, and is not
 * one's own to bring back unseen. */
static bool was_taken_from_another(const struct court *court, const struct item *item)
{
	return item->brought != NO_OWNER &&
	       !build_is_of_agent(
		       &court->hand->chain.list[item->brought].build, court->hand->agent);
}

static enum item_verdict decide(const struct court *court, struct item *item)
{
	const struct item *replacement = item->is_lost && item->kind == ITEM_LINE
						 ? find_replacement(court, item)
						 : NULL;
	const char *author;

	if (item->verdict == VERDICT_IGNORED)
		return VERDICT_IGNORED;
	/* What was left out of a snapshot has not been taken out of the configuration. */
	if (!item->is_lost && item->whole_file && court->hand->live->left_out)
		return VERDICT_NONE;
	if (item->owner == NO_OWNER && is_since_base(court, item))
		item->owner =
			court->hand->chain.len - 1; /* at least it is in what is live */
	if (item->owner == NO_OWNER)
		return item->is_lost && !replacement && goes_back(item) ? VERDICT_UNKNOWN
									: VERDICT_NONE;
	author = author_of(court, item);
	if (author && streq(author, court->hand->agent) &&
		!was_taken_from_another(court, item))
		return replacement || !goes_back(item) ? VERDICT_NONE : VERDICT_OWN;
	if (item->is_reverted)
		return VERDICT_REVERTED;
	if ((item->is_rewritten && court->is_elsewhere) ||
		(author && is_taken_back(court, item, author)))
		return VERDICT_NONE;
	return weigh(court, item, replacement);
}

static bool is_uncommitted(const struct court *court, const struct item *item)
{
	const struct build *owner = owner_of(court, item);
	const struct ledger objects = {.repository = court->repository};
	const char *path = item_path(&court->items, item);
	git_oid built, committed;

	return owner && !git_oid_is_zero(&owner->config_tree) &&
	       ledger_path_id(&built, &objects, &owner->tree, path) == 0 &&
	       ledger_path_id(&committed, &objects, &owner->config_tree, path) == 0 &&
	       !git_oid_equal(&built, &committed);
}

static void send_finding(
	const struct court *court, struct worker *worker, const struct item *item)
{
	const struct build *owner = maker_of(court, item);
	const char *author = owner ? author_of(court, item) : NULL;
	_cleanup_record_ struct record record = {0};
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;

	/* What a rollback took back is the work of the one who had done it. */
	if (owner && item->brought != NO_OWNER) {
		const struct build *builder =
			&court->hand->chain.list[item->brought].build;

		record_set(&record, "Redo", "yes");
		record_setf(&record, "Rollback", "%" PRIu64, owner->number);
		owner = builder;
		author = builder->agent;
	}
	record_setf(&record, "Numbers", "%d %d %d %d %d %u %" PRIu64, item->verdict,
		item->kind, item->is_lost, item->whole_file, is_uncommitted(court, item),
		item->line, owner ? owner->number : 0);
	record_set(&record, "Path", item_path(&court->items, item));
	record_set(&record, "Text", item->text);
	record_set(&record, "Other", item->other);
	record_set(&record, "Agent", author);
	record_put(&text, &record);
	worker_send(worker, FRAME_FINDING, text.text, text.len);
}

/* Whether copies of it decide: it is another's, as far as is known yet. */
static bool asks_for_copies(const struct court *court, const struct item *item, bool lost)
{
	const char *author = author_of(court, item);

	return item->kind == ITEM_LINE && item->is_lost == lost &&
	       item->verdict != VERDICT_IGNORED &&
	       (author ? !streq(author, court->hand->agent) ||
				       was_taken_from_another(court, item)
		       : is_since_base(court, item));
}

/* Only where there is something to ask for, since all texts are read. */
static void look_for_copies(struct court *court, const git_oid *tree, bool lost)
{
	struct items *items = &court->items;
	bool any = false;

	for (size_t i = 0; i < items->len && !any; i++)
		any = asks_for_copies(court, &items->list[i], lost);
	if (!any)
		return;
	items_mark_copies(items, court->repository, court->hand->settings, tree, lost);
	for (size_t i = 0; i < items->len && !lost; i++) {
		struct item *item = &items->list[i];

		if (!item->is_lost && item->has_copy && !item->is_settled)
			item->owner = NO_OWNER;
	}
}

static int decide_all(struct court *court)
{
	if (hear(court) < 0)
		return -1;
	look_for_copies(court, &court->hand->snapshot->tree, true);
	look_for_copies(court, &court->live, false);
	for (size_t i = 0; i < court->items.len; i++)
		court->items.list[i].verdict = decide(court, &court->items.list[i]);
	return 0;
}

static int work(struct worker *worker, struct strbuf *answer, void *data)
{
	struct verdict *verdict = data;
	_cleanup_(court_free) struct court court = {.hand = verdict->hand};
	_cleanup_record_ struct record record = {0};
	char live[OID_TEXT_SIZE];

	if (remote_open(&court.repository, worker) < 0 || decide_all(&court) < 0)
		return -1;
	for (size_t i = 0; i < court.items.len; i++)
		if (court.items.list[i].verdict != VERDICT_NONE ||
			court.items.list[i].kind == ITEM_LINE)
			send_finding(&court, worker, &court.items.list[i]);
	record_setf(&record, "More", "%zu", court.items.more);
	record_set(&record, "Unknown", git_oid_is_zero(&court.live) ? "yes" : NULL);
	record_set(&record, "Live", oid_text(live, &court.live));
	record_set(&record, "Elsewhere", court.is_elsewhere ? "yes" : NULL);
	record_put(answer, &record);
	return 0;
}

static void finding_free(struct finding *finding)
{
	free(finding->path);
	free(finding->text);
	free(finding->other);
	free(finding->agent);
}

void verdict_free(struct verdict *verdict)
{
	for (size_t i = 0; i < verdict->len; i++)
		finding_free(&verdict->list[i]);
	free(verdict->list);
}

static int refuse_answer(void)
{
	return error("comparing with what is live: the worker has sent an answer that "
		     "cannot be read");
}

/* What makes no sense is no finding. */
static int receive(
	unsigned type, const char *frame, size_t len, struct strbuf *reply, void *data)
{
	struct verdict *verdict = data;
	_cleanup_record_ struct record record = {0};
	struct finding finding = {0};
	int kind, decided, lost, whole, uncommitted;
	const char *numbers, *agent;

	if (type == FRAME_READ) {
		remote_serve(reply, frame, len, verdict->hand->ledger);
		return 0;
	}
	record_parse(&record, frame, len);
	numbers = record_get(&record, "Numbers");
	agent = record_get(&record, "Agent");
	if (type != FRAME_FINDING || !numbers || !record_get(&record, "Path") ||
		(agent && !agent_name_is_valid(agent)) ||
		sscanf(numbers, "%d %d %d %d %d %u %" SCNu64, &decided, &kind, &lost,
			&whole, &uncommitted, &finding.line, &finding.build) != 7 ||
		decided < VERDICT_NONE || decided > VERDICT_REFUSED || kind < ITEM_LINE ||
		kind > ITEM_ENTRY)
		return refuse_answer();
	finding.verdict = (enum item_verdict)decided;
	finding.kind = (enum item_kind)kind;
	finding.is_lost = lost;
	finding.whole_file = whole;
	finding.uncommitted = uncommitted;
	finding.path = xstrdup(record_get(&record, "Path"));
	finding.text = xstrdup(record_get(&record, "Text"));
	finding.other = xstrdup(record_get(&record, "Other"));
	finding.agent = xstrdup(record_get(&record, "Agent"));
	finding.rollback = record_get_number(&record, "Rollback");
	finding.is_redo = record_get(&record, "Redo") != NULL;
	verdict->list = xgrow(verdict->list, verdict->len, sizeof(*verdict->list));
	verdict->list[verdict->len++] = finding;
	return 0;
}

/* Read before: the worker has no references of the ledger. */
static int load_chain(struct case_at_hand *hand)
{
	_cleanup_build_ struct build newest = BUILD_INIT;
	const struct build *last = hand->live;

	if (hand->resumed &&
		chain_find_newest(&newest, hand->ledger, hand->live->target) < 0)
		return -1;
	if (newest.number)
		last = &newest;
	if (last->number && chain_load(&hand->chain, hand->ledger, last) < 0)
		return -1;
	/* Then the one who went back is one more step, of which there is no record. */
	if (hand->resumed && hand->chain.len) {
		chain_add(&hand->chain, &hand->live->tree);
		hand->chain.list[hand->chain.len - 1].is_rollback = true;
	}
	if (hand->is_running && build_has_snapshot(hand->live)) {
		chain_add(&hand->chain, &hand->live->tree);
		build_copy(&hand->chain.list[hand->chain.len - 1].build, hand->live);
	}
	return 0;
}

int judge(struct verdict *ret, struct case_at_hand *hand)
{
	const struct worker_job job = {
		.what = "comparing with what is live",
		.work = work,
		.receive = receive,
		.data = ret,
		.deadline_ms = DEADLINE_MS,
		.owner_of = hand->configuration->root,
	};
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	_cleanup_record_ struct record answer = {0};
	int result;

	*ret = (struct verdict){.hand = hand};
	result = load_chain(hand);
	if (result == 0)
		result = worker_run(&text, &job);
	chain_free(&hand->chain);
	if (result < 0)
		return -1;
	record_parse(&answer, text.text, text.len);
	ret->more = record_get_number(&answer, "More");
	ret->is_unknown = record_get(&answer, "Unknown") != NULL;
	ret->is_elsewhere = record_get(&answer, "Elsewhere") != NULL;
	if (!record_get(&answer, "Live") ||
		git_oid_fromstr(&ret->live, record_get(&answer, "Live")) < 0)
		return refuse_answer();
	return 0;
}
