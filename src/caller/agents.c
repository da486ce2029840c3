#include "caller/agents.h"

#include <ctype.h>

#include "base/memory.h"

/*
 * Order matters: Amp also sets Claude's marker, and rows with a session come before rows
 * without. CLAUDECODE alone is no marker: IDE extensions set it in people's terminals.
 */
static const struct agent_marker markers[] = {
	{"amp", "AMP_CURRENT_THREAD_ID", NULL, "AMP_CURRENT_THREAD_ID", NULL},
	{"amp", "AGENT", "amp", "AGENT_THREAD_ID", NULL},
	{"claude-code", "CLAUDE_CODE_CHILD_SESSION", NULL, "CLAUDE_CODE_SESSION_ID",
		"CLAUDE_PID"},
	{"claude-code", "CLAUDE_CODE_SESSION_ID", NULL, "CLAUDE_CODE_SESSION_ID",
		"CLAUDE_PID"},
	{"codex", "CODEX_THREAD_ID", NULL, "CODEX_THREAD_ID", NULL},
	{"codex", "CODEX_CI", NULL, "CODEX_SESSION_ID", NULL},
	{"opencode", "OPENCODE", NULL, NULL, "OPENCODE_PID"},
	{"gemini", "GEMINI_CLI", NULL, "GEMINI_SESSION_ID", NULL},
	{"copilot", "COPILOT_CLI", NULL, "COPILOT_AGENT_SESSION_ID", NULL},
	{"copilot", "COPILOT_AGENT_JOB_ID", NULL, "COPILOT_AGENT_JOB_ID", NULL},
	{"copilot", "COPILOT_AGENT", NULL, NULL, NULL},
	{"cursor", "CURSOR_AGENT", NULL, "CURSOR_CONVERSATION_ID", NULL},
	{"cursor", "CURSOR_EXTENSION_HOST_ROLE", "agent-exec", "CURSOR_CONVERSATION_ID",
		NULL},
	{"goose", "GOOSE_TERMINAL", NULL, "AGENT_SESSION_ID", NULL},
	{"crush", "CRUSH", NULL, NULL, NULL},
	{"pi", "PI_CODING_AGENT", NULL, "PI_SESSION_ID", NULL},
	{"qwen-code", "QWEN_CODE", NULL, "QWEN_CODE_SESSION_ID", NULL},
	{"kiro", "AGENT_CONTEXT_OUT", NULL, "KIRO_SESSION_ID", NULL},
	{"augment", "AUGMENT_AGENT", NULL, NULL, NULL},
	{"antigravity", "ANTIGRAVITY_AGENT", NULL, NULL, NULL},
	{"windsurf", "WINDSURF_CASCADE_TERMINAL", NULL, NULL, NULL},
	{"cline", "CLINE_ACTIVE", NULL, "CLINE_TASK_ID", NULL},
	{"roo", "ROO_ACTIVE", NULL, "ROO_CODE_TASK_ID", NULL},
	{"roo", "ROO_CLI_RUNTIME", NULL, "ROO_CODE_TASK_ID", NULL},
	{"kilo", "KILOCODE_FEATURE", "cli", NULL, NULL},
	{"trae", "TRAE_AI_SHELL_ID", NULL, "TRAE_AI_SHELL_ID", NULL},
	{"junie", "JUNIE_DATA", NULL, NULL, NULL},
	{"junie", "JUNIE_SHIM_PATH", NULL, NULL, NULL},
	{"openclaw", "OPENCLAW_SHELL", "exec", NULL, NULL},
	{"grok", "GROK_AGENT", NULL, NULL, NULL},
	{"warp", "OZ_RUN_ID", NULL, "OZ_RUN_ID", NULL},
	{"jules", "USER", "swebot", NULL, NULL},
	{"amazon-q", "AWS_EXECUTION_ENV", "*AmazonQ-For-CLI", NULL, NULL},
};

const char *const agent_programs[] = {"claude", "codex", "opencode", "gemini", "copilot",
	"amp", "goose", "crush", "cursor-agent", "qwen", "aider", "droid", "octofriend",
	"devin", NULL};

static bool is_set(const char *value)
{
	return value && *value && !streq(value, "0") && !streq(value, "false");
}

bool agent_marker_matches(const struct agent_marker *marker, variable_lookup *lookup,
	const void *environment)
{
	const char *value = lookup(environment, marker->variable);

	if (!is_set(value))
		return false;
	if (!marker->value)
		return true;
	if (*marker->value == '*')
		return strstr(value, marker->value + 1) != NULL;
	return streq(value, marker->value);
}

const struct agent_marker *agent_find_marker(
	variable_lookup *lookup, const void *environment)
{
	for (size_t i = 0; i < ARRAY_LEN(markers); i++)
		if (agent_marker_matches(&markers[i], lookup, environment))
			return &markers[i];
	return NULL;
}

static void cut_suffix(char *name, const char *suffix)
{
	if (ends_with(name, suffix))
		name[strlen(name) - strlen(suffix)] = '\0';
}

static void cut_version(char *name)
{
	char *dash;

	while ((dash = strrchr(name, '-')) && dash[1] &&
		dash[1 + strspn(dash + 1, "0123456789.")] == '\0')
		*dash = '\0';
}

char *agent_conventional_name(variable_lookup *lookup, const void *environment)
{
	const char *value = lookup(environment, "AI_AGENT");
	char *name;

	if (!is_set(value))
		value = lookup(environment, "AGENT");
	if (!is_set(value))
		return NULL;
	if (streq(value, "1") || streq(value, "true"))
		return xstrdup("agent");
	name = xstrndup(value, 64);
	for (char *at = name; *at; at++)
		*at = isalnum((unsigned char)*at) || *at == '.'
			      ? (char)tolower((unsigned char)*at)
			      : '-';
	cut_suffix(name, "-agent");
	cut_suffix(name, "-harness");
	cut_version(name);
	return name;
}
