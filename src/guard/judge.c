#include "guard/judge.h"

#include <inttypes.h>

#include "base/memory.h"
#include "base/message.h"
#include "base/worker.h"
#include "guard/author.h"
#include "guard/court.h"
#include "ledger/remote.h"
#include "snapshot/repository.h"

#define DEADLINE_MS 30000
#define FRAME_FINDING WORKER_FRAMES

/* Only asked for what is refused, which is what a patch sets right. */
static bool item_is_filtered(struct court *court, const struct item *item)
{
	return item->verdict == VERDICT_REFUSED && court->history.checkout &&
	       path_has_program(court->history.checkout, item_path(&court->items, item));
}

/* In the worker. */
static void send_finding(
	struct court *court, struct worker *worker, const struct item *item)
{
	const struct build *owner = item_maker(court, item);
	const char *author = owner ? item_author(court, item) : NULL;
	_cleanup_record_ struct record record = {0};
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;

	/* What a rollback took back is the work of the build that had brought it. */
	if (owner && item->brought != NO_OWNER) {
		record_set(&record, "Redo", "yes");
		record_setf(&record, "Rollback", "%" PRIu64, owner->number);
		owner = &court->hand->chain.list[item->brought].build;
		author = owner->agent;
	}
	record_setf(&record, "Numbers", "%d %d %d %d %d %d %u %" PRIu64, item->verdict,
		item->kind, item->is_lost, item->whole_file,
		item_is_uncommitted(court, item), item_is_filtered(court, item),
		item->line, owner ? owner->number : 0);
	record_set(&record, "Path", item_path(&court->items, item));
	record_set(&record, "Text", item->text);
	record_set(&record, "Other", item->other);
	record_set(&record, "Agent", author);
	if (owner && author && !build_is_of_agent(owner, author))
		record_set(&record, "Builder", owner->agent);
	record_put(&text, &record);
	worker_send(worker, FRAME_FINDING, text.text, text.len);
}

static void send_moved(const struct items *items, struct worker *worker)
{
	for (size_t i = 0; i < items->moved_len; i++) {
		const struct moved *moved = &items->moved[i];
		_cleanup_record_ struct record record = {0};
		_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;

		record_setf(&record, "Numbers", "%d %d 1 0 0 0 %u 0", VERDICT_MOVED,
			ITEM_LINE, moved->line);
		record_set(&record, "Path", items->changes.list[moved->path].path);
		record_put(&text, &record);
		worker_send(worker, FRAME_FINDING, text.text, text.len);
	}
}

static int work(struct worker *worker, struct strbuf *answer, void *data)
{
	struct verdict *verdict = data;
	_cleanup_court_ struct court court = {.hand = verdict->hand};
	_cleanup_record_ struct record record = {0};

	if (remote_open(&court.repository, worker) < 0 || court_decide(&court) < 0)
		return -1;
	for (size_t i = 0; i < court.items.len; i++)
		if (court.items.list[i].verdict != VERDICT_NONE ||
			court.items.list[i].kind == ITEM_LINE)
			send_finding(&court, worker, &court.items.list[i]);
	send_moved(&court.items, worker);
	record_setf(&record, "More", "%zu", court.items.more);
	record_set(&record, "Unknown", git_oid_is_zero(&court.live) ? "yes" : NULL);
	record_set(&record, "Live", git_oid_tostr_s(&court.live));
	record_put(answer, &record);
	return 0;
}

static void finding_free(struct finding *finding)
{
	free(finding->path);
	free(finding->text);
	free(finding->other);
	free(finding->agent);
	free(finding->builder);
}

void verdict_free(struct verdict *verdict)
{
	for (size_t i = 0; i < verdict->len; i++)
		finding_free(&verdict->list[i]);
	free(verdict->list);
}

static int refuse_answer(void)
{
	return error("comparing with what is live: cannot read the worker's answer");
}

/* A frame that makes no sense is an error. */
static int receive(
	unsigned type, const char *frame, size_t len, struct strbuf *reply, void *data)
{
	struct verdict *verdict = data;
	_cleanup_record_ struct record record = {0};
	struct finding finding = {0};
	int kind, decided, lost, whole, uncommitted, filtered;
	const char *numbers, *agent, *builder;

	if (type == FRAME_READ) {
		remote_serve(reply, frame, len, verdict->hand->call->ledger);
		return 0;
	}
	record_parse(&record, frame, len);
	numbers = record_get(&record, "Numbers");
	agent = record_get(&record, "Agent");
	builder = record_get(&record, "Builder");
	if (type != FRAME_FINDING || !numbers || !record_get(&record, "Path") ||
		(agent && !agent_name_is_valid(agent)) ||
		(builder && !agent_name_is_valid(builder)) ||
		sscanf(numbers, "%d %d %d %d %d %d %u %" SCNu64, &decided, &kind, &lost,
			&whole, &uncommitted, &filtered, &finding.line,
			&finding.build) != 8 ||
		decided < VERDICT_NONE || decided > VERDICT_REFUSED || kind < ITEM_LINE ||
		kind > ITEM_ENTRY)
		return refuse_answer();
	finding.verdict = (enum item_verdict)decided;
	finding.kind = (enum item_kind)kind;
	finding.is_lost = lost;
	finding.whole_file = whole;
	finding.uncommitted = uncommitted;
	finding.is_filtered = filtered;
	finding.path = xstrdup(record_get(&record, "Path"));
	finding.text = xstrdup(record_get(&record, "Text"));
	finding.other = xstrdup(record_get(&record, "Other"));
	finding.agent = xstrdup(record_get(&record, "Agent"));
	finding.builder = xstrdup(builder);
	finding.rollback = record_get_number(&record, "Rollback");
	finding.is_redo = record_get(&record, "Redo") != NULL;
	*list_add(verdict->list, verdict->len) = finding;
	return 0;
}

/* The parent does this: the worker cannot see the ledger's references. */
static int load_chain(struct case_at_hand *hand)
{
	_cleanup_build_ struct build newest = BUILD_INIT;
	const struct build *last = hand->live;

	if (hand->resumed &&
		chain_find_newest(&newest, hand->call->ledger, hand->live->target) < 0)
		return -1;
	if (newest.number)
		last = &newest;
	if (last->number && chain_load(&hand->chain, hand->call->ledger, last) < 0)
		return -1;
	/* Going back outside safe-rebuild is one more step, without a record. */
	if (hand->resumed && hand->chain.len)
		chain_add(&hand->chain, &hand->live->tree)->is_rollback = true;
	if (hand->is_running && build_has_snapshot(hand->live))
		build_copy(
			&chain_add(&hand->chain, &hand->live->tree)->build, hand->live);
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
		.owner_of = hand->call->configuration->root,
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
	if (!record_get(&answer, "Live") ||
		git_oid_fromstr(&ret->live, record_get(&answer, "Live")) < 0)
		return refuse_answer();
	return 0;
}
