#pragma once
/*
 * The AI agents that tell their commands who they are, and by which variables. To teach
 * safe-rebuild a new agent, add a row in agents.c: most telling marker first.
 */
#include "base/macro.h"

struct agent_marker {
	const char *agent;
	const char *variable;
	const char *value;   /* NULL: anything but empty, 0 and false; "*x": contains x */
	const char *session; /* variable with the session's id, or NULL */
	const char *pid;     /* variable with the agent's process id, or NULL */
};

/* Looks a variable up in some environment; NULL where it is not set. */
typedef const char *variable_lookup(const void *environment, const char *name);

/* The first marker that the environment carries, or NULL. */
const struct agent_marker *agent_find_marker(
	variable_lookup *lookup, const void *environment);
bool agent_marker_matches(const struct agent_marker *marker, variable_lookup *lookup,
	const void *environment);

/*
 * The agent's name by the cross-agent conventions AI_AGENT=NAME and AGENT=NAME, reduced
 * to the bare name (claude-code_2-1-330_agent is claude-code); NULL without one. The
 * caller frees.
 */
char *agent_conventional_name(
	variable_lookup *lookup, const void *environment) _must_check_;

/* Programs that are agents but set no variable; NULL-terminated. */
extern const char *const agent_programs[];
