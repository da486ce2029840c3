#pragma once
/*
 * One run: who calls, whose turn it is, what the configuration is, what changed in it,
 * then nixos-rebuild and the record. Needs only the lock; everything else degrades
 * loudly.
 */
#include "base/child.h"
#include "base/strv.h"
#include "caller/caller.h"
#include "caller/own_options.h"
#include "ledger/ledger.h"
#include "queue/queue.h"
#include "rebuild/configuration.h"
#include "run/streams.h"
#include "settings/settings.h"
#include "snapshot/snapshot.h"

/* A system to go back to, for a run that builds none. */
struct going_back {
	char *system;    /* its store path; NULL: it is an ordinary run */
	struct build to; /* which made it; number 0: not known */
	char *taken; /* "44,45": whose work that takes out; NULL: none that is known */
};

/* A switch that is kept only when it has proved itself; see trial.h. */
struct trial {
	bool is_one, armed, has_timer, taken_back;
	bool superseded;    /* somebody else has made another system live meanwhile */
	bool left_to_timer; /* the runner was told to end before anybody's word */
	int64_t confirm_ms, until_ms;  /* 0: nobody's word is waited for */
	char *settings_path;           /* as it was given, for the timer */
	char *old_system, *new_system; /* NULL: not known (yet) */
};

struct run {
	const struct settings *settings;
	const struct own_options *options;
	struct surroundings surroundings;
	struct caller caller;
	struct request request;
	struct configuration configuration;
	struct target target;
	char *program;         /* the real nixos-rebuild */
	struct strv arguments; /* its argv, name first */
	struct streams streams;
	struct turn turn;
	void (*begins_to_wait)(const struct run *run); /* NULL: nothing to do then */
	bool has_waited;
	uint64_t
		numbers_given; /* when the waiting began: later builds have higher ones */
	struct ledger *ledger; /* NULL: nothing can be recorded */
	struct snapshot snapshot; /* where the build has one */
	struct build build;       /* in the making */
	struct going_back back;
	struct trial trial;
};

#define RUN_INIT                                                                    \
	{                                                                           \
		.turn = TURN_NONE, .build = BUILD_INIT, .back = {.to = BUILD_INIT } \
	}

void run_free(struct run *run);
#define _cleanup_run_ _cleanup_(run_free)

/*
 * The steps of a run, which a rollback uses too: find the caller and the target (0, or
 * the exit status); begin the record; make the shared directories and give up root's
 * rights; take the turn; start the runner, whose status is the run's.
 */
int run_identify(struct run *run) _must_check_;
void run_begin_build(struct run *run);
int run_share(const struct run *run) _must_check_;
int run_enter_queue(struct run *run, bool first) _must_check_;
int run_hand_over(struct run *run) _must_check_;
/* Whether what was asked for must have the lock. */
bool run_needs_lock(const struct run *run);

/*
 * words: the command line without our own options; is_any: of any command (words[0] is
 * its program), of which nobody knows what it builds. Returns the exit status; does not
 * return where the words ask for nothing that needs us.
 */
int run_rebuild(const struct settings *settings, const struct own_options *options,
	const struct strv *words, const struct surroundings *surroundings, bool is_any);
