#pragma once
/*
 * Remembers what an agent has been refused, so that the same call again can be known: a
 * text under refs/refused/TARGET/AGENT in the ledger.
 */
#include "guard/guard.h"
#include "guard/live.h"

/* Whether this very call was the agent's last to be refused, over the same live build. */
bool repeat_is_one(const struct guard_call *call, const struct live *live);
/* Best effort: without it the call is refused again. */
void repeat_remember(const struct guard_call *call, const struct live *live);
