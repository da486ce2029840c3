#pragma once
/*
 * Agents run their commands in sandboxes in which nothing can be rebuilt: no privilege
 * can be gained (no_new_privs, prctl(2)) and /run is read-only.
 */
#include "base/macro.h"

/* How to leave it, where there is a sign of one; NULL otherwise. */
const char *sandbox_advice(void);

#define SANDBOX_ADVICE                                                                \
	"this is a sandbox: run it outside (Claude Code: dangerouslyDisableSandbox, " \
	"Codex: sandbox_permissions = require_escalated)"
