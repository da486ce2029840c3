#include "hook/plugin.h"

#include "base/macro.h"

#define MARK "// safe-rebuild: see safe-rebuild-agents(7)\n"

const char opencode_plugin[] = MARK
	"import { spawnSync } from \"node:child_process\"\n"
	"\n"
	"const short = (id) => id.replace(/[^A-Za-z0-9]/g, "
	"\"\").slice(-8).toLowerCase()\n"
	"\n"
	"const ask = (event) => {\n"
	"  const ran = spawnSync(\"safe-rebuild\", [\"hook\", \"opencode\"],\n"
	"    { input: JSON.stringify(event), encoding: \"utf8\", timeout: 10000 })\n"
	"  try { return JSON.parse(ran.stdout).hookSpecificOutput } catch { return {} }\n"
	"}\n"
	"\n"
	"export const SafeRebuild = async ({ directory }) => ({\n"
	"  \"shell.env\": async (input, output) => {\n"
	"    if (input.sessionID && !process.env.SAFE_REBUILD_AGENT)\n"
	"      output.env.SAFE_REBUILD_AGENT = \"opencode-\" + short(input.sessionID)\n"
	"  },\n"
	"  \"tool.execute.before\": async (input, output) => {\n"
	"    if (input.tool !== \"bash\") return\n"
	"    Object.assign(output.args, ask({ hook_event_name: \"tool.execute.before\",\n"
	"      tool_name: \"bash\", session_id: input.sessionID, tool_input: "
	"output.args }).updatedInput)\n"
	"  },\n"
	"  \"tool.execute.after\": async (input) => {\n"
	"    if (![\"write\", \"edit\", \"apply_patch\"].includes(input.tool)) return\n"
	"    ask({ hook_event_name: \"tool.execute.after\", tool_name: input.tool,\n"
	"      session_id: input.sessionID, cwd: directory,\n"
	"      tool_input: { file_path: input.args?.filePath, patch: "
	"input.args?.patchText } })\n"
	"  },\n"
	"  \"chat.message\": async (input, output) => {\n"
	"    const part = output.parts.find((part) => part.type === \"text\")\n"
	"    const news = part && ask({ hook_event_name: \"chat.message\",\n"
	"      session_id: input.sessionID }).additionalContext\n"
	"    if (news) part.text += \"\\n\\n\" + news\n"
	"  },\n"
	"})\n";

bool plugin_is_ours(const char *text)
{
	return starts_with(text, MARK);
}
