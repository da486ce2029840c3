#include "record/config_name.h"

#include "base/memory.h"

#define GIT_SCHEME "git+file://"

/* What follows is the flake's place in the directory, and its attribute. */
static size_t directory_length(const char *config)
{
	return strcspn(config, "?#");
}

char *config_directory(const char *config)
{
	const char *start = strchr(config, '/');
	char *path;

	if (!start || (start != config && !starts_with(config, "git+file:") &&
			      !starts_with(config, "path:")))
		return NULL;
	while (start[1] == '/')
		start++;
	path = xstrndup(start, directory_length(start));
	if (ends_with(path, ".nix"))
		*strrchr(path, '/') = '\0';
	return path;
}

bool config_is_beside(const char *config, const char *other)
{
	const size_t len = directory_length(config);

	return directory_length(other) == len && strncmp(config, other, len) == 0;
}

const char *config_other_machine(const char *config, const char *mine)
{
	const char *its = config ? strchr(config, '#') : NULL;

	mine = mine ? strchr(mine, '#') : NULL;
	return its && mine && !streq(its, mine) ? its + 1 : NULL;
}

char *checkout_of_build(const struct build *build)
{
	_cleanup_free_ char *path = NULL, *git = NULL;

	if (!build->config || !starts_with(build->config, GIT_SCHEME))
		return NULL;
	path = config_directory(build->config);
	git = xasprintf("%s/.git", path);
	return access(git, F_OK) == 0 ? TAKE_PTR(path) : NULL;
}
