#pragma once
/*
 * What a target runs and what it boots next: the configurations that must not be undone
 * unseen. Made by a build of the ledger or outside safe-rebuild; of the latter a
 * configuration may be known by the revision that the system carries
 * (system.configurationRevision, in sw/bin/nixos-version).
 */
#include "ledger/builds.h"
#include "rebuild/system.h"

struct live {
	char *system;      /* store path */
	char *name;        /* as --allow-undo takes it: 43, gen:145 or the store path */
	char *description; /* "build 43 by alpha: ...", "generation 145, made outside ..."
			    */
	/* Of a system made outside only config_commit is known, where it carries one. */
	struct build build;
	bool is_build;
	bool runs;    /* else it is what boots next */
	bool resumed; /* somebody went back to it outside safe-rebuild */
};

#define LIVES_MAX 2

/* Fills ret, what runs first; returns how many differ (0 to 2), -1 (printed) on error. */
int lives_find(struct live ret[LIVES_MAX], struct ledger *ledger,
	const struct settings *settings, const struct target *target);
/* The build in words, with the member on whose word alone it stands. The caller frees. */
char *live_describe(const struct build *build, const struct ledger *ledger,
	const struct settings *settings) _must_check_;
void live_free(struct live *live);

/* The build that made the system to which the link leads, has it on trial or is
 * activating it: 1, 0 where none is known, -1 (printed). */
int live_build(struct build *ret, struct ledger *ledger, const struct target *target,
	const char *system, const char *link) _must_check_;
