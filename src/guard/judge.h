#pragma once
/*
 * The rule: unless its caller says so, a configuration takes nothing away that others
 * made live, and brings nothing back that was rolled back. It is judged line by line, by
 * who brought each line to the machine (chain.h), what the user's repository tells
 * (history.h) and who edited what (edits.h).
 *
 * A worker does this, because it reads the user's repository.
 */
#include "caller/caller.h"
#include "guard/chain.h"
#include "guard/items.h"
#include "rebuild/configuration.h"
#include "snapshot/snapshot.h"

struct guard_call {
	const struct settings *settings;
	struct ledger *ledger;
	const struct caller *caller;
	const struct target *target;
	const struct request *request;
	const struct configuration *configuration;
	const struct snapshot *snapshot;     /* NULL: there is none */
	const char *command;                 /* as it is recorded */
	const char *settings_words;          /* see own_options.h */
	const char *own_words;               /* our own options, except these: */
	const char *allow_undo, *allow_redo; /* as given; NULL: not given */
};

/* What is judged, and against what. */
struct case_at_hand {
	const struct guard_call *call; /* which has a snapshot */
	const struct build *live; /* number 0: made outside, only its commit is known */
	bool is_running;          /* live is being built */
	bool resumed;             /* somebody went back to live outside safe-rebuild */
	struct chain chain;       /* judge()'s own */
};

/* One thing that is lost or comes back. */
struct finding {
	enum item_verdict verdict;
	enum item_kind kind;
	bool is_lost, whole_file, uncommitted;
	bool is_filtered; /* git filters the file with a program */
	bool is_redo;     /* a rollback took it out; build and agent had brought it */
	char *path;
	unsigned line;
	char *text;        /* the line, an input's name; NULL: the path as a whole */
	char *other;       /* what replaces it, an input's versions; NULL: nothing */
	uint64_t build;    /* the one that brought it; 0: not known, or made outside */
	char *agent;       /* whose work it is; NULL: not known */
	char *builder;     /* who built it; NULL: the agent did */
	uint64_t rollback; /* if is_redo; 0: it was done outside safe-rebuild */
};

struct verdict {
	struct case_at_hand *hand;
	struct finding *list;
	size_t len;
	size_t more;     /* losses that are not listed */
	git_oid live;    /* the live tree; zero: not known */
	bool is_unknown; /* the live tree could not be read */
};

/* Prints and returns -1 if it cannot be judged. */
int judge(struct verdict *ret, struct case_at_hand *hand) _must_check_;
void verdict_free(struct verdict *verdict);
