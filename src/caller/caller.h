#pragma once
/*
 * Who calls: an agent's session or a person (design: option or variable, own environment,
 * the ancestors' environments where privilege was raised on the way, process names,
 * person). This is attribution for messages and defaults, never permission: anyone can
 * set a variable.
 */
#include <sys/types.h>
#include <time.h>

#include "base/macro.h"

struct caller {
	char *agent;   /* the name that records carry; valid as one component of a ref */
	bool is_agent; /* false: a person */
	char *session; /* the agent's own id of its session, or NULL */
	char *user;    /* login name of the one who called, before sudo or doas */
	uid_t uid;     /* likewise */
	const char *elevation; /* "sudo ", "doas ": how the caller becomes root; "": not
				  needed */
	time_t since; /* when the agent's process or the person's session started */
};

/* given: the name by option or variable, or NULL. -1 where that name cannot be used. */
int caller_identify(struct caller *ret, const char *given) _must_check_;
/* The name for .user, and the uid that such a name means; -1: no user of this machine.
 * The caller frees. */
char *caller_user(uid_t uid) _must_check_;
uid_t caller_uid(const char *user);
void caller_free(struct caller *caller);
#define _cleanup_caller_ _cleanup_(caller_free)

/*
 * The name of an agent's session, as caller_identify() finds it in the environment of its
 * commands: "claude-code" and the session's id. part: a subagent's id; NULL: it is none.
 * The caller frees.
 */
char *caller_name_of_session(
	const char *agent, const char *session, const char *part) _must_check_;

/*
 * Our own variable from the environment or, where sudo has stripped it, from the nearest
 * ancestor that has it. The caller frees; NULL where nobody set it.
 */
char *caller_variable(const char *name) _must_check_;

/*
 * Agents run their commands in sandboxes in which nothing can be rebuilt: no privilege
 * can be gained (no_new_privs, prctl(2)) and /run is read-only. Says how to leave it, if
 * this looks like one; NULL otherwise.
 */
const char *sandbox_advice(void);

#define SANDBOX_ADVICE                                                                \
	"this is a sandbox: run it outside (Claude Code: dangerouslyDisableSandbox, " \
	"Codex: sandbox_permissions = require_escalated)"
