#include "commands/agents_check.h"

#include "base/memory.h"
#include "base/message.h"
#include "hook/reach.h"
#include "rebuild/program.h"

/* A login shell may ask the network who the user is. */
#define SHELL_MS 10000
/* What its profile may print. */
#define PROFILE_MAX 65536

/* What a shell finds; NULL: nothing. */
struct finds {
	char *rebuild, *self;
	bool is_unknown; /* it has not answered */
};

static void finds_free(struct finds *finds)
{
	free(finds->rebuild);
	free(finds->self);
}

/* What stands behind the last line of this text; NULL: nothing. The caller frees. */
static char *last_line_after(const char *text, const char *line)
{
	const char *last = NULL;

	for (const char *at = text; (at = strstr(at, line)); at += strlen(line))
		last = at + strlen(line);
	return last && *last != '\n' && *last ? xstrndup(last, strcspn(last, "\n"))
					      : NULL;
}

/* A login shell may reset PATH (Codex runs its commands in one). */
static struct finds find_in_login_shell(const struct surroundings *surroundings)
{
	/* A profile may print something first. */
	char *const argv[] = {(char[]){"bash"}, (char[]){"-lc"},
		(char[]){"echo; echo nixos-rebuild:; command -v nixos-rebuild; "
			 "echo; echo safe-rebuild:; command -v safe-rebuild; echo"},
		NULL};
	_cleanup_free_ char *text =
		child_output(argv, surroundings, SHELL_MS, PROFILE_MAX);

	if (!text)
		return (struct finds){.is_unknown = true};
	return (struct finds){
		.rebuild = last_line_after(text, "\nnixos-rebuild:\n"),
		.self = last_line_after(text, "\nsafe-rebuild:\n"),
	};
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

/* What was found of an agent's hooks. */
struct found {
	bool has_hook, is_off; /* one is there, one is there and switched off */
};

/* A file with our hook; off: the one that switches it off, or NULL. */
static void tell_file(struct found *found, const struct vendor *vendor, const char *kind,
	const char *path, const char *off)
{
	const bool asks_for_trust =
		streq(vendor->name, "codex") && !starts_with(path, "/etc/");

	if (off)
		answer("%s: hook in its %ssettings ('%s'), but '%s' switches hooks off",
			vendor->name, kind, path, off);
	else
		answer("%s: hook in its %ssettings ('%s')%s", vendor->name, kind, path,
			asks_for_trust
				? ", which runs only if codex was told to trust it (/hooks)"
				: "");
	found->has_hook = found->has_hook || !off;
	found->is_off = found->is_off || off;
}

static struct found tell_hook(const struct vendor *vendor)
{
	static const char *const kinds[] = {
		"managed ", "managed ", "local ", "project ", "user "};
	_cleanup_free_ char *drop_in = reach_drop_in(vendor),
			    *in_toml = reach_in_toml(vendor);
	struct found found = {false};

	if (drop_in) {
		_cleanup_free_ char *off = reach_switched_off(vendor, PLACE_MANAGED);

		tell_file(&found, vendor, kinds[PLACE_MANAGED], drop_in, off);
	}
	if (in_toml) {
		_cleanup_free_ char *off = reach_switched_off(vendor, PLACE_USER);

		tell_file(&found, vendor, "", in_toml, off);
	}
	for (enum install_place place = 0; place < PLACES; place++) {
		_cleanup_free_ char *path = install_path(vendor, place), *off = NULL;

		if (!reach_has_hook(vendor, place))
			continue;
		off = reach_switched_off(vendor, place);
		tell_file(&found, vendor, kinds[place], path, off);
	}
	return found;
}

/* Whether the agent, which has such a shim in its PATH, reaches us, if it is here at all.
 */
static bool tell_agent(const struct vendor *vendor, bool has_shim, bool *is_here)
{
	const char *name = vendor->name;
	_cleanup_free_ char *program = program_in_path(name);
	const struct found found = tell_hook(vendor);

	*is_here = program || found.has_hook || found.is_off;
	if (!*is_here || found.has_hook)
		return true;
	if (has_shim)
		answer("%s: reached through PATH only; for news and edits install its "
		       "hook",
			name);
	else if (found.is_off)
		answer("%s: NOT reached: its hooks are switched off", name);
	else
		answer("%s: NOT reached; to change that: safe-rebuild agents --install "
		       "%s",
			name, name);
	return has_shim;
}

/* Root's settings are not those of the one who typed sudo. */
static void tell_whose(const struct caller *caller)
{
	if (getuid() == 0 && caller->uid)
		answer("these are the settings and the PATH of root: agents of %s have "
		       "their own (without sudo: safe-rebuild agents --check)",
			caller->user);
}

int agents_check(const struct context *context)
{
	_cleanup_caller_ struct caller caller = {0};
	_cleanup_(finds_free) struct finds login =
		find_in_login_shell(context->surroundings);
	_cleanup_(finds_free) struct finds here = {
		.rebuild = program_in_path("nixos-rebuild"),
		.self = program_in_path("safe-rebuild")};
	bool shim_here, shim_login = false, any = false, all;

	if (caller_identify(&caller, context->own->agent) < 0)
		return EXIT_USAGE;
	tell_whose(&caller);
	shim_here = tell_shim("PATH", here.rebuild);
	if (login.is_unknown)
		answer("login shell: bash -lc has not answered within %d s",
			SHELL_MS / 1000);
	else
		shim_login = tell_shim("login shell", login.rebuild);
	tell_alias(context->surroundings);
	all = here.self && (login.self || login.is_unknown);
	if (!all)
		answer("safe-rebuild is not in the PATH of %s: commands that a hook has "
		       "changed would fail there",
			here.self ? "a login shell" : "this shell");
	for (const struct vendor *vendor = vendors; vendor->name; vendor++) {
		const bool in_login_shell = streq(vendor->name, "codex");
		bool is_here;

		if (!tell_agent(
			    vendor, in_login_shell ? shim_login : shim_here, &is_here))
			all = false;
		any = any || is_here;
	}
	if (!any)
		answer("none of claude, codex, gemini and opencode is in PATH");
	return all || !any ? 0 : 1;
}
