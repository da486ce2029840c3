#include "rebuild/program.h"

#include <limits.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/message.h"
#include "base/strv.h"

/* execvp(3)'s own default. */
#define DEFAULT_PATH "/bin:/usr/bin"

bool program_is_ourselves(const char *path)
{
	char real[PATH_MAX];
	const char *name;
	struct stat self, other;

	if (!realpath(path, real))
		return false;
	name = strrchr(real, '/') + 1;
	if (streq(name, "safe-rebuild") || streq(name, ".safe-rebuild-wrapped"))
		return true;
	return stat("/proc/self/exe", &self) == 0 && stat(real, &other) == 0 &&
	       self.st_dev == other.st_dev && self.st_ino == other.st_ino;
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
		return fail(EXIT_NOT_FOUND, "'%s' is safe-rebuild itself", command);
	if (access(command, X_OK) < 0)
		return fail_errno(EXIT_CANNOT_RUN, "cannot run '%s'", command);
	*ret = xstrdup(command);
	return 0;
}

void program_trust_path(void)
{
	_cleanup_strv_ struct strv entries = {0}, kept = {0};
	_cleanup_free_ char *path = NULL;

	strv_split(&entries, getenv("PATH"), ":");
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
