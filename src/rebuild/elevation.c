#include "rebuild/elevation.h"

#include <errno.h>

#include "base/message.h"
#include "caller/caller.h"

/* A sudo that asks the network is not waited for any longer. */
#define DEADLINE_MS 5000

static bool needs_sudo(const struct request *request)
{
	/* NIX_SUDOOPTS may have it get a password in another way. */
	if (getuid() == 0 || request->asks_password || getenv("NIX_SUDOOPTS") ||
		(request->target_host && *request->target_host))
		return false;
	if (!action_changes_system(request->action) &&
		request->action != ACTION_DRY_ACTIVATE)
		return false;
	return request->elevate ? streq(request->elevate, "sudo") : request->sudo;
}

/* sudo's exit status, 0 if there is no sudo (nixos-rebuild will say so), -1: it did not
 * end. */
static int run_sudo(char *const *argv, const struct surroundings *surroundings)
{
	struct child sudo = {
		.program = argv[0],
		.argv = argv,
		.surroundings = surroundings,
		.stdio = {-1, -1, -1},
		/* As nixos-rebuild will run: sudo may remember a password by terminal. */
		.group = CHILD_NEW_SESSION,
	};
	int status = child_run(&sudo, DEADLINE_MS);

	return status < 0 && errno != ETIMEDOUT ? 0 : status;
}

int elevation_check(
	const struct request *request, const struct surroundings *surroundings)
{
	char sudo[] = "sudo", never_ask[] = "-n", command[] = "true", list[] = "-l";
	char *const try[] = {sudo, never_ask, command, NULL};
	char *const ask[] = {sudo, never_ask, list, NULL};
	const char *sandbox = sandbox_advice();
	int status;

	if (!needs_sudo(request))
		return 0;
	if (sandbox)
		return fail(EXIT_NO_PERMISSION,
			"sudo cannot work here (no_new_privs), nixos-rebuild would fail after "
			"building: %s",
			sandbox);
	status = run_sudo(try, surroundings);
	if (status == 0)
		return 0;
	/* sudo -l asks no password if sudo allows some commands without one. */
	if (status < 0 || run_sudo(ask, surroundings) == 0) {
		warn("sudo may not work after building: sudo -n true %s",
			status < 0 ? "does not end" : "fails");
		return 0;
	}
	error("nixos-rebuild would fail after building: sudo wants a password and there is "
	      "no terminal for it (sudo -n true fails); run 'sudo safe-rebuild %s ...' "
	      "without --sudo, or allow it in sudoers",
		request->action_word);
	return EXIT_NO_PERMISSION;
}
