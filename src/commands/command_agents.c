#include "base/memory.h"
#include "base/message.h"
#include "commands/command.h"
#include "hook/install.h"
#include "hook/plugin.h"
#include "hook/reach.h"
#include "rebuild/program.h"

/* A login shell may ask the network who the user is. */
#define SHELL_MS 10000
/* What its profile may print. */
#define PROFILE_MAX 65536

/* Every command and option in it exists: a test looks. */
static const char section[] =
	"## Rebuilding this machine\n"
	"\n"
	"Several agents and people change this NixOS configuration. `safe-rebuild` "
	"stands in\n"
	"front of `nixos-rebuild`: it queues, shows what others changed, and refuses to "
	"undo\n"
	"their work unseen.\n"
	"\n"
	"- Never run `nixos-rebuild` directly: run `safe-rebuild` with the same "
	"arguments (and\n"
	"  with `sudo`, if that needs it), with a reason for those who wait:\n"
	"  `safe-rebuild --message \"why\" switch`.\n"
	"- Before you edit: `safe-rebuild status`. Before you build: `safe-rebuild "
	"diff`.\n"
	"- Read a file again before you write it: others may have edited it since.\n"
	"- A call may wait for others. Use your longest time limit or run it in the "
	"background.\n"
	"  If a call is ended before the build is, the build goes on: do not start it "
	"again, run\n"
	"  `safe-rebuild attach`.\n"
	"- The first lines name the build, the last line says the outcome. All of its "
	"output:\n"
	"  `safe-rebuild show BUILD --output | tail -n 100`.\n"
	"- Exit status 65: refused, because your configuration lacks what others have "
	"made live.\n"
	"  Run the command that the message prints after \"bring it in\", \"take it "
	"out\" or \"put it\n"
	"  back\", do not repeat the call. Use `--allow-undo` only for an edit of your "
	"own, or if\n"
	"  you were asked to take that work away.\n"
	"- Exit status 75: not free in time, try again later. 77: no permission; if the "
	"message\n"
	"  says so, run it with `sudo`, else ask your user.\n"
	"- A change that may cut you off (network, ssh, login): `safe-rebuild --confirm "
	"2m switch`,\n"
	"  look, then `safe-rebuild confirm BUILD`; else it goes back by itself.\n"
	"- Exit status 70: the new system failed its check and was taken back.\n"
	"- To take a change back, `git revert` its commit and switch; do not check out "
	"old files.\n"
	"- Never remove a lock, and never kill another's rebuild: `safe-rebuild cancel` "
	"ends your\n"
	"  own.\n";

static int choose_place(enum install_place *ret, const struct command_options *options)
{
	const int given = options->user + options->project + options->managed;

	if (given > 1)
		return error("give only one of --user, --project and --managed");
	*ret = options->project   ? PLACE_PROJECT
	       : options->managed ? PLACE_MANAGED
				  : PLACE_USER;
	return 0;
}

/* What the agent itself still wants from its user. */
static void say_what_is_left(const char *agent, enum install_place place)
{
	if (streq(agent, "codex") && place != PLACE_MANAGED)
		say("codex silently skips hooks that it does not trust: start it and "
		    "trust them (/hooks)");
	else
		say("sessions of %s that run now may not see this: restart them", agent);
}

/* Managed hooks may also be in the file where others manage theirs. */
static char *choose_path(const struct vendor *vendor, enum install_place place,
	const struct command_options *options)
{
	char *path = install_path(vendor, place);

	if (options->remove && place == PLACE_MANAGED && path &&
		!reach_has_hook(vendor, place) &&
		reach_has_hook(vendor, PLACE_MANAGED_BY_OTHERS)) {
		free(path);
		path = install_path(vendor, PLACE_MANAGED_BY_OTHERS);
	}
	return path;
}

static int change(const char *agent, const struct context *context)
{
	const struct command_options *options = context->options;
	const struct vendor *vendor = vendor_find(agent);
	_cleanup_installation_ struct installation installation = {0};
	_cleanup_free_ char *path = NULL;
	const bool remove = options->remove;
	enum install_place place = PLACE_USER;

	if (!vendor)
		return fail(EXIT_USAGE,
			"no agent '%s': claude, codex, gemini or opencode", agent);
	if (choose_place(&place, options) < 0)
		return EXIT_USAGE;
	path = choose_path(vendor, place, options);
	if (!path)
		return fail(EXIT_USAGE, "%s has no settings file at that place%s", agent,
			place == PLACE_USER ? ": HOME is not set" : "");
	if (install_prepare(&installation, vendor, path, remove) < 0)
		return EXIT_OWN_FAILURE;
	if (!installation.diff.len) {
		answer("nothing to change in '%s'", path);
		return 0;
	}
	command_print(installation.diff.text, installation.diff.len);
	/* What is for everybody must be read by everybody. */
	if (install_write(&installation,
		    place == PLACE_MANAGED ? 022 : context->surroundings->umask) < 0)
		return EXIT_OWN_FAILURE;
	answer("%s '%s'", remove ? "removed from" : "installed in", path);
	if (!remove)
		say_what_is_left(agent, place);
	else if (streq(agent, "codex") && access(path, F_OK) == 0)
		say("codex trusts hooks by their places: trust your own again (/hooks)");
	return 0;
}

/* The path of a program in PATH, NULL where there is none. */
static char *find_in_path(const char *name)
{
	_cleanup_strv_ struct strv directories = strv_split(getenv("PATH"), ":");

	for (size_t i = 0; i < directories.len; i++) {
		_cleanup_free_ char *path =
			xasprintf("%s/%s", directories.words[i], name);

		if (access(path, X_OK) == 0)
			return TAKE_PTR(path);
	}
	return NULL;
}

/* What a login shell finds, which may reset PATH (Codex runs its commands in one). */
static char *find_in_login_shell(
	const char *name, const struct surroundings *surroundings)
{
	/* A profile may print something first. */
	_cleanup_free_ char *command = xasprintf("echo; echo :; command -v %s", name);
	char *const argv[] = {(char[]){"bash"}, (char[]){"-lc"}, command, NULL};
	_cleanup_free_ char *text =
		child_output(argv, surroundings, SHELL_MS, PROFILE_MAX);
	const char *last = NULL;

	for (const char *at = text; at && (at = strstr(at, "\n:\n")); at += 3)
		last = at + 3;
	return last && *last ? xstrndup(last, strcspn(last, "\n")) : NULL;
}

static bool tell_shim(const char *where, const char *path)
{
	const bool is_shim = path && program_is_ourselves(path);

	if (!path)
		answer("%s: no nixos-rebuild", where);
	else
		answer("%s: nixos-rebuild is %s (%s)", where,
			is_shim ? "safe-rebuild" : "the bare one", path);
	return is_shim;
}

/* What a person types: agents' shells seldom read aliases. */
static void tell_alias(const struct surroundings *surroundings)
{
	/* In a session without a terminal it cannot take ours. */
	char *const argv[] = {(char[]){"setsid"}, (char[]){"--wait"}, (char[]){"bash"},
		(char[]){"-ic"}, (char[]){"alias nixos-rebuild"}, NULL};
	_cleanup_free_ char *text = child_output(argv, surroundings, SHELL_MS, 4096);

	if (text && *text)
		answer("interactive bash: %.*s", (int)strcspn(text, "\n"), text);
}

/* Whether a hook of the agent reaches us; *is_off: one is there but switched off. */
static bool tell_hook(const struct vendor *vendor, bool *is_off)
{
	static const char *const names[] = {
		"managed", "managed", "local", "project", "user"};
	_cleanup_free_ char *drop_in = reach_drop_in(vendor);
	bool has_hook = false;

	if (drop_in) {
		_cleanup_free_ char *off = reach_switched_off(vendor, PLACE_MANAGED);

		answer("%s: hook in its managed settings ('%s')%s%s%s", vendor->name,
			drop_in, off ? ", but '" : "", off ? off : "",
			off ? "' switches hooks off" : "");
		has_hook = !off;
		*is_off = off;
	}
	for (enum install_place place = 0; place < PLACES; place++) {
		_cleanup_free_ char *path = install_path(vendor, place), *off = NULL;
		const bool asks_for_trust =
			streq(vendor->name, "codex") && place != PLACE_MANAGED;

		if (!reach_has_hook(vendor, place))
			continue;
		off = reach_switched_off(vendor, place);
		if (off)
			answer("%s: hook in its %s settings ('%s'), but '%s' switches "
			       "hooks "
			       "off",
				vendor->name, names[place], path, off);
		else
			answer("%s: hook in its %s settings ('%s')%s", vendor->name,
				names[place], path,
				asks_for_trust
					? ", which runs only if codex was told to trust it (/hooks)"
					: "");
		has_hook = has_hook || !off;
		*is_off = *is_off || off;
	}
	return has_hook;
}

/* 0 where a bare nixos-rebuild of every agent that is here reaches us. */
static int check(const struct context *context)
{
	_cleanup_free_ char *here = find_in_path("nixos-rebuild"),
			    *login = find_in_login_shell(
				    "nixos-rebuild", context->surroundings);
	const bool shim_here = tell_shim("PATH", here);
	const bool shim_login = tell_shim("login shell", login);
	_cleanup_free_ char *self = find_in_path("safe-rebuild"),
			    *login_self = find_in_login_shell(
				    "safe-rebuild", context->surroundings);
	bool all = self && login_self, any = false;

	tell_alias(context->surroundings);
	if (!all)
		answer("safe-rebuild is not in the PATH of %s: commands that a hook has "
		       "changed would fail there",
			self ? "a login shell" : "this shell");
	for (const struct vendor *vendor = vendors; vendor->name; vendor++) {
		const char *name = vendor->name;
		_cleanup_free_ char *program = find_in_path(name);
		bool is_off = false;
		const bool has_hook = tell_hook(vendor, &is_off);

		if (!program && !has_hook && !is_off)
			continue;
		any = true;
		if (has_hook)
			continue;
		if (streq(name, "codex") ? shim_login : shim_here) {
			answer("%s: reached through PATH only; for news and edits "
			       "install its hook",
				name);
			continue;
		}
		if (is_off)
			answer("%s: NOT reached: its hooks are switched off", name);
		else
			answer("%s: NOT reached; to change that: safe-rebuild agents "
			       "--install %s",
				name, name);
		all = false;
	}
	if (!any)
		answer("none of claude, codex, gemini and opencode is in PATH");
	return all ? 0 : 1;
}

static int agents(const struct context *context)
{
	const struct command_options *options = context->options;
	const int asked = options->md + options->check + options->opencode_plugin +
			  !!options->install + !!options->remove;

	if (asked != 1)
		return command_usage(&command_agents);
	if (options->md)
		fputs(section, stdout);
	else if (options->opencode_plugin)
		fputs(opencode_plugin, stdout);
	else if (options->check)
		return check(context);
	else
		return change(
			options->install ? options->install : options->remove, context);
	return 0;
}

const struct command command_agents = {
	.name = "agents",
	.arguments =
		"--md | --check | --install AGENT | --remove AGENT [--user | --project | "
		"--managed] | --opencode-plugin",
	.help = "make agents use safe-rebuild: instructions, hooks, a check",
	.options = "--md --check --install --remove --user --project --managed "
		   "--opencode-plugin",
	.run = agents,
};
