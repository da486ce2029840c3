#include "hook/vendors.h"

#include "base/macro.h"

const struct vendor vendors[] = {
	{
		.name = "claude",
		.agent = "claude-code",
		.before = "PreToolUse",
		.after = "PostToolUse",
		.shell = "Bash",
		.editors = {"Edit", "Write", "MultiEdit", "NotebookEdit"},
		.contexts = {"SessionStart", "UserPromptSubmit", "SubagentStart"},
		.changed = "updatedInput",
		.timeout_ms = 600000,
		.background_ms = 7200000,
		.paths = {"/etc/claude-code/managed-settings.d/50-safe-rebuild.json",
			"/etc/claude-code/managed-settings.json",
			".claude/settings.local.json", ".claude/settings.json",
			"~/.claude/settings.json"},
		.drop_ins = "/etc/claude-code/managed-settings.d",
		.variable = "CLAUDE_CONFIG_DIR",
		.home = "~/.claude",
	},
	{
		.name = "codex",
		.agent = "codex",
		.before = "PreToolUse",
		.after = "PostToolUse",
		.shell = "Bash",
		.editors = {"apply_patch", "Edit", "Write"},
		.contexts = {"SessionStart", "UserPromptSubmit", "SubagentStart"},
		.changed = "updatedInput",
		.has_to_allow = true,
		.part_is_session = true,
		.paths = {"/etc/codex/hooks.json", NULL, NULL, ".codex/hooks.json",
			"~/.codex/hooks.json"},
		.variable = "CODEX_HOME",
		.home = "~/.codex",
	},
	{
		.name = "gemini",
		.agent = "gemini",
		.before = "BeforeTool",
		.after = "AfterTool",
		.shell = "run_shell_command",
		.editors = {"write_file", "replace"},
		.contexts = {"SessionStart", "BeforeAgent"},
		.changed = "tool_input",
		.shell_lacks_session = true,
		.reads_comments = true,
		.paths = {"/etc/gemini-cli/settings.json", NULL, NULL,
			".gemini/settings.json", "~/.gemini/settings.json"},
	},
	/* Our plugin (hook/install.c) makes these events. */
	{
		.name = "opencode",
		.agent = "opencode",
		.before = "tool.execute.before",
		.after = "tool.execute.after",
		.shell = "bash",
		.editors = {"write", "edit", "apply_patch"},
		.contexts = {"chat.message"},
		.changed = "updatedInput",
		.timeout_ms = 600000,
		.paths = {NULL, NULL, NULL, ".opencode/plugin/safe-rebuild.js",
			"~/.config/opencode/plugin/safe-rebuild.js"},
		.variable = "XDG_CONFIG_HOME",
		.home = "~/.config",
		.has_plugin = true,
	},
	{.name = NULL},
};

const struct vendor *vendor_find(const char *name)
{
	for (const struct vendor *vendor = vendors; vendor->name; vendor++)
		if (streq(vendor->name, name))
			return vendor;
	return NULL;
}
