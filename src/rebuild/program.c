#include "rebuild/program.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/strv.h"
#include "base/text.h"
#include "caller/caller.h"

/* execvp(3)'s own default. */
#define DEFAULT_PATH "/bin:/usr/bin"
/* A sudo that asks the network is not waited for any longer. */
#define SUDO_MS 5000

bool program_is_ourselves(const char *path)
{
	char real[PATH_MAX];
	const char *name;
	struct stat self, other;

	if (!realpath(path, real))
		return false;
	name = basename(real);
	if (streq(name, "safe-rebuild") || streq(name, ".safe-rebuild-wrapped"))
		return true;
	return stat("/proc/self/exe", &self) == 0 && stat(real, &other) == 0 &&
	       is_same_file(&self, &other);
}

static bool is_file(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

static int check_given(char **ret, const char *command)
{
	if (!is_file(command))
		return fail(EXIT_NOT_FOUND, "cannot find '%s'", command);
	if (program_is_ourselves(command))
		return fail(EXIT_NOT_FOUND,
			"'%s' is safe-rebuild itself: [rebuild] command must name the original nixos-rebuild",
			command);
	if (access(command, X_OK) < 0)
		return fail_errno(EXIT_CANNOT_RUN, "cannot run '%s'", command);
	*ret = xstrdup(command);
	return 0;
}

void program_trust_path(void)
{
	_cleanup_strv_ struct strv entries = {0}, kept = {0};
	_cleanup_free_ char *path = NULL;

	entries = strv_split(getenv("PATH"), ":");
	for (size_t i = 0; i < entries.len; i++)
		if (*entries.words[i] == '/')
			strv_add(&kept, entries.words[i]);
	path = strv_join(&kept, ":");
	if (kept.len)
		setenv("PATH", path, true);
	else
		unsetenv("PATH");
}

int program_find(char **ret, const char *command)
{
	const char *path = getenv("PATH");
	bool not_executable = false;

	if (strchr(command, '/'))
		return check_given(ret, command);
	for (const char *at = path ? path : DEFAULT_PATH;;) {
		const char *end = strchrnul(at, ':');
		_cleanup_free_ char *candidate =
			xasprintf("%.*s/%s", (int)(end - at), at, command);

		if (is_file(candidate) && !program_is_ourselves(candidate)) {
			if (access(candidate, X_OK) == 0) {
				*ret = TAKE_PTR(candidate);
				return 0;
			}
			not_executable = true;
		}
		if (!*end)
			break;
		at = end + 1;
	}
	error("cannot %s '%s' in PATH", not_executable ? "run" : "find", command);
	return not_executable ? EXIT_CANNOT_RUN : EXIT_NOT_FOUND;
}

char *program_in_path(const char *name)
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

const char *program_own_name(void)
{
	static const char *name;
	_cleanup_free_ char *found = name ? NULL : program_in_path("safe-rebuild");
	char self[PATH_MAX];

	if (!name && !(found && program_is_ourselves(found)) &&
		realpath("/proc/self/exe", self))
		name = text_shell_word(self);
	if (!name)
		name = "safe-rebuild";
	return name;
}

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
	int status = child_run(&sudo, SUDO_MS);

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
			"sudo cannot work here (no_new_privs), nixos-rebuild would fail "
			"after "
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
	error("nixos-rebuild would fail after building: sudo wants a password and there "
	      "is "
	      "no terminal for it (sudo -n true fails); run 'sudo safe-rebuild %s ...' "
	      "without --sudo, or allow it in sudoers",
		request->action_word);
	return EXIT_NO_PERMISSION;
}
