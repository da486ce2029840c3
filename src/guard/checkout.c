#include "guard/checkout.h"

#include "base/memory.h"

#define GIT_SCHEME "git+file://"

/* What follows is the flake's place in the directory, and its attribute. */
static size_t directory_length(const char *config)
{
	return strcspn(config, "?#");
}

bool checkout_is_same(const char *config, const char *other)
{
	const size_t len = directory_length(config);

	return directory_length(other) == len && strncmp(config, other, len) == 0;
}

char *checkout_of_build(const struct build *build)
{
	const char *config = build->config;
	_cleanup_free_ char *path = NULL, *git = NULL;

	if (!config || !starts_with(config, GIT_SCHEME))
		return NULL;
	config += strlen(GIT_SCHEME);
	path = xstrndup(config, directory_length(config));
	git = xasprintf("%s/.git", path);
	return access(git, F_OK) == 0 ? TAKE_PTR(path) : NULL;
}
