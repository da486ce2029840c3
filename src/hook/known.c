#include "hook/known.h"

#include "base/memory.h"
#include "ledger/builds.h"

/* So many builds are looked at. */
#define BUILDS_MAX 100

/* The directory of "git+file:///etc/nixos?dir=x#host", "path:/etc/nixos",
 * "/etc/nixos/configuration.nix"; NULL where it is not on this machine. */
static char *directory_of(const char *config)
{
	const char *start = strchr(config, '/');
	char *path;

	if (!start || (start != config && !starts_with(config, "git+file:") &&
			      !starts_with(config, "path:")))
		return NULL;
	while (start[1] == '/')
		start++;
	path = xstrndup(start, strcspn(start, "?#"));
	if (ends_with(path, ".nix"))
		*strrchr(path, '/') = '\0';
	return path;
}

static bool lies_in(const char *path, const char *config)
{
	_cleanup_free_ char *directory = config ? directory_of(config) : NULL;
	const size_t len = directory ? strlen(directory) : 0;

	return len && strncmp(path, directory, len) == 0 && path[len] == '/';
}

bool configuration_is_known(const struct settings *settings, const char *path)
{
	_cleanup_ledger_ struct ledger *ledger = NULL;
	_cleanup_build_ struct build build = BUILD_INIT;
	struct build_walk walk;

	if (ledger_open(&ledger, settings) < 0 || !ledger)
		return false;
	walk = builds_walk(ledger, NULL);
	walk.left = BUILDS_MAX;
	while (builds_next(&build, &walk) > 0)
		if (lies_in(path, build.config))
			return true;
	return false;
}
