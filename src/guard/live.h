#pragma once
/*
 * What a target runs and what it boots next: these must not be undone unseen. If one was
 * made outside safe-rebuild, its configuration may be known by the revision that the
 * system carries (system.configurationRevision, in sw/bin/nixos-version).
 */
#include "ledger/builds.h"
#include "rebuild/system.h"

struct live {
	char *system;      /* store path */
	char *name;        /* as --allow-undo takes it: 43, gen:145 or the store path */
	char *description; /* "build 43 by alpha: ...", "generation 145, made ..." */
	/* Without is_build, only config_commit is known, if the system carries it. */
	struct build build;
	bool is_build;
	bool runs;    /* else it is what boots next */
	bool resumed; /* somebody went back to it outside safe-rebuild */
};

#define LIVES_MAX 2

/* Fills ret with what runs and, if it differs, what boots next. Returns their number (0
 * to 2), -1 (printed) on error. */
int lives_find(struct live ret[LIVES_MAX], struct ledger *ledger,
	const struct settings *settings, const struct target *target);
/* The build in words; if only a member's word vouches for it, with that user. The caller
 * frees. */
char *live_describe(const struct build *build, const struct ledger *ledger,
	const struct settings *settings) _must_check_;
void live_free(struct live *live);

/* The build that made the link's system, has it on trial or is activating it, or whose
 * runner was killed when it had: 1; 0: not known; -1 (printed). */
int live_build(struct build *ret, struct ledger *ledger, const struct target *target,
	const char *system, const char *link) _must_check_;
