#pragma once
/*
 * The undo guard: a configuration must contain what is live. A build that would silently
 * take away what others have made live is refused, with what would be lost, whose it is,
 * and the commands that bring it in. Deliberate is allowed: a commit that takes the work
 * back, --allow-undo, and repeating the call where work in the same checkout has
 * vanished.
 *
 * What cannot be judged is said and never stops a rebuild.
 */
#include "caller/caller.h"
#include "ledger/ledger.h"
#include "rebuild/configuration.h"
#include "snapshot/snapshot.h"

struct guard_call {
	const struct settings *settings;
	struct ledger *ledger;
	const struct caller *caller;
	const struct target *target;
	const struct request *request;
	const struct configuration *configuration;
	const struct snapshot *snapshot; /* NULL: there is none */
	const struct build *build;       /* of this run: command and directory */
	const char *allow_undo;          /* as given; NULL: not */
};

/* 0: go on; EXIT_REFUSED (printed). */
int guard_check(const struct guard_call *call) _must_check_;
