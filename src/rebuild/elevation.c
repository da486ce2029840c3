#include "rebuild/elevation.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include "base/message.h"
#include "caller/sandbox.h"

extern char **environ;

static bool needs_sudo(const struct request *request)
{
	/* NIX_SUDOOPTS may have it get a password in another way. */
	if (geteuid() == 0 || request->asks_password || getenv("NIX_SUDOOPTS") ||
		(request->target_host && *request->target_host))
		return false;
	if (!action_changes_system(request->action) &&
		request->action != ACTION_DRY_ACTIVATE)
		return false;
	return request->elevate ? streq(request->elevate, "sudo") : request->sudo;
}

/* False only where sudo was run and said no; without sudo, nixos-rebuild will say so. */
static bool sudo_works(void)
{
	char sudo[] = "sudo", never_ask[] = "-n", command[] = "true";
	char *const arguments[] = {sudo, never_ask, command, NULL};
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int status, result;

	posix_spawn_file_actions_init(&actions);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
	result = posix_spawnp(&pid, "sudo", &actions, NULL, arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (result)
		return true;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return true;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int elevation_check(const struct request *request)
{
	const char *sandbox = sandbox_advice();

	if (!needs_sudo(request))
		return 0;
	if (sandbox) {
		error("sudo cannot work here (no_new_privs), nixos-rebuild would fail after "
		      "building: %s",
			sandbox);
		return EXIT_NO_PERMISSION;
	}
	if (sudo_works())
		return 0;
	error("nixos-rebuild would fail after building: sudo wants a password and there is "
	      "no terminal for it (sudo -n true fails); run 'sudo safe-rebuild %s ...' "
	      "without --sudo, or allow it in sudoers",
		request->action_word);
	return EXIT_NO_PERMISSION;
}
