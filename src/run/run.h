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

struct run {
	const struct settings *settings;
	struct surroundings surroundings;
	struct caller caller;
	struct request request;
	struct configuration configuration;
	struct target target;
	char *program;         /* the real nixos-rebuild */
	struct strv arguments; /* its argv, name first */
	struct streams streams;
	struct turn turn;
	bool has_waited;
	uint64_t
		numbers_given; /* when the waiting began: later builds have higher ones */
	struct ledger *ledger; /* NULL: nothing can be recorded */
	struct snapshot snapshot; /* where the build has one */
	struct build build;       /* in the making */
};

/*
 * words: the command line without our own options. Returns the exit status; does not
 * return where the words ask for nothing that needs us.
 */
int run_rebuild(const struct settings *settings, const struct own_options *options,
	const struct strv *words, const struct surroundings *surroundings);

/* The same for any command (words[0] is its program): nobody knows what it builds. */
int run_any_command(const struct settings *settings, const struct own_options *options,
	const struct strv *words, const struct surroundings *surroundings);
