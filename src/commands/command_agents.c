#include "base/memory.h"
#include "base/message.h"
#include "commands/agents_check.h"
#include "commands/command.h"
#include "hook/install.h"
#include "hook/plugin.h"
#include "hook/reach.h"

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

/* Through sudo, "user" is root. */
static void say_whose(const struct context *context)
{
	_cleanup_caller_ struct caller caller = {0};

	if (getuid() == 0 && caller_identify(&caller, context->own->agent) == 0 &&
		caller.uid)
		say("these are root's: agents of %s do not read them (without sudo: "
		    "--user; for everybody: --managed)",
			caller.user);
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
	if (place == PLACE_USER)
		say_whose(context);
	if (!remove)
		say_what_is_left(agent, place);
	else if (streq(agent, "codex") && access(path, F_OK) == 0)
		say("codex trusts hooks by their places: trust your own again (/hooks)");
	return 0;
}

static int agents(const struct context *context)
{
	const struct command_options *options = context->options;
	const int asked = options->md + options->check + options->opencode_plugin +
			  !!options->install + !!options->remove;

	if (asked != 1)
		return command_usage(&command_agents);
	if (!options->install && !options->remove &&
		(options->user || options->project || options->managed))
		return fail(EXIT_USAGE,
			"--user, --project and --managed go with --install and --remove");
	if (options->md)
		fputs(section, stdout);
	else if (options->opencode_plugin)
		fputs(opencode_plugin, stdout);
	else if (options->check)
		return agents_check(context);
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
