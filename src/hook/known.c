#include "hook/known.h"

#include "base/memory.h"
#include "ledger/builds.h"
#include "record/config_name.h"

/* So many builds are looked at. */
#define BUILDS_MAX 100

static bool lies_in(const char *path, const char *config)
{
	_cleanup_free_ char *directory = config ? config_directory(config) : NULL;
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
