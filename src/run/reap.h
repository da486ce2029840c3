#pragma once
/*
 * Builds whose runner was killed before it could record how they ended: the next run that
 * has the lock records them as interrupted, with what the system is now.
 */
#include "ledger/builds.h"
#include "settings/settings.h"

/* Whether its runner is gone without having recorded how it ended. */
bool reap_is_dead(const struct build *build, const struct settings *settings);

/* Best effort: what cannot be recorded now is tried again by the next run. */
void reap_interrupted(struct ledger *ledger, const struct settings *settings);
