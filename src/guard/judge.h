#pragma once
/*
 * The rule: a configuration takes nothing away that others made live, and brings nothing
 * back that was rolled back, unless its caller says so. Judged line by line, by who
 * brought each line to the machine (chain.h), with what the user's repository tells
 * (history.h) and who edited what (edits.h).
 *
 * Judged in a worker: it reads the user's repository.
 */
#include "caller/caller.h"
#include "guard/chain.h"
#include "rebuild/configuration.h"
#include "snapshot/snapshot.h"

/* What is judged, and against what. */
struct case_at_hand {
	const struct settings *settings;
	struct ledger *ledger;
	const char *agent; /* who asks */
	uid_t uid;         /* ... and with which user, before sudo */
	const struct configuration *configuration;
	const struct snapshot *snapshot;
	const struct build *live; /* number 0: made outside, only its commit is known */
	bool is_running;          /* live is being built */
	bool resumed;             /* live is what somebody went back to outside */
	struct chain chain;       /* judge()'s own */
};

/* One thing that is lost or comes back. */
struct finding {
	enum item_verdict verdict;
	enum item_kind kind;
	bool is_lost, whole_file, uncommitted;
	bool is_redo; /* it was taken out by a rollback: owner is its builder */
	char *path;
	unsigned line;
	char *text;     /* the line, an input's name; NULL: the path as a whole */
	char *other;    /* what stands in its place, an input's versions; NULL: nothing */
	uint64_t build; /* whose step it is; 0: not known, or the one made outside */
	char *agent;    /* ... and whose work; NULL: not known */
	char *builder;  /* who made the step, where that is another */
	uint64_t rollback; /* for is_redo; 0: it was done outside safe-rebuild */
};

struct verdict {
	struct case_at_hand *hand;
	struct finding *list;
	size_t len;
	size_t more;     /* losses that are not listed */
	git_oid live;    /* tree that was compared with; zero: none */
	bool is_unknown; /* live has no tree that could be read */
};

/* Prints and returns -1 where nothing can be told. */
int judge(struct verdict *ret, struct case_at_hand *hand) _must_check_;
void verdict_free(struct verdict *verdict);
