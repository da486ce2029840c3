#include "rebuild/elevation.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/message.h"
#include "caller/sandbox.h"

/* One that asks a network is not waited for. */
#define DEADLINE_MS 5000

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

/* Runs sudo with these words, without a terminal. Its exit status, -1: it did not end. */
static int run_sudo(char *const *arguments)
{
	posix_spawn_file_actions_t actions;
	struct pollfd poll_fd = {.events = POLLIN};
	int status, result;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
	result = posix_spawnp(&pid, "sudo", &actions, NULL, arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (result)
		return 0; /* nixos-rebuild will say so */
	poll_fd.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	result = poll(&poll_fd, 1, DEADLINE_MS);
	if (poll_fd.fd >= 0)
		close(poll_fd.fd);
	if (result == 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return result != 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int elevation_check(const struct request *request)
{
	char sudo[] = "sudo", never_ask[] = "-n", command[] = "true", list[] = "-l";
	char *const try[] = {sudo, never_ask, command, NULL};
	char *const ask[] = {sudo, never_ask, list, NULL};
	const char *sandbox = sandbox_advice();
	int status;

	if (!needs_sudo(request))
		return 0;
	if (sandbox) {
		error("sudo cannot work here (no_new_privs), nixos-rebuild would fail after "
		      "building: %s",
			sandbox);
		return EXIT_NO_PERMISSION;
	}
	status = run_sudo(try);
	if (status == 0)
		return 0;
	/* It lists without a password where it allows some commands without one. */
	if (status < 0 || run_sudo(ask) == 0) {
		warn("whether sudo will work after building is not sure: sudo -n true %s",
			status < 0 ? "does not end" : "fails");
		return 0;
	}
	error("nixos-rebuild would fail after building: sudo wants a password and there is "
	      "no terminal for it (sudo -n true fails); run 'sudo safe-rebuild %s ...' "
	      "without --sudo, or allow it in sudoers",
		request->action_word);
	return EXIT_NO_PERMISSION;
}
