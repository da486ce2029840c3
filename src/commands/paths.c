#include "commands/paths.h"

#include "base/memory.h"
#include "rebuild/configuration.h"

/* The last component may be gone; what is before it is resolved. */
static char *resolve(const char *word)
{
	_cleanup_free_ char *whole = realpath(word, NULL);
	const char *slash = strrchr(word, '/');
	_cleanup_free_ char *directory = NULL, *real = NULL;

	/* A link in the configuration is a file of its own: only its place is resolved.
	 */
	if (whole && (!slash || !slash[1] || streq(slash, "/..") || streq(slash, "/.")))
		if (streq(word, ".") || streq(word, "..") || slash)
			return TAKE_PTR(whole);
	directory = slash ? xstrndup(word, (size_t)(slash - word) + (slash == word))
			  : xstrdup(".");
	real = realpath(directory, NULL);
	return real ? xasprintf("%s/%s", real, slash ? slash + 1 : word) : NULL;
}

char *path_in_configuration(const char *root, const char *word)
{
	_cleanup_free_ char *path = resolve(word);
	const size_t len = strlen(root);

	while (path && *path && ends_with(path, "/"))
		path[strlen(path) - 1] = '\0';
	if (!path || strncmp(path, root, len) != 0 || (path[len] && path[len] != '/'))
		return xstrdup(word);
	return xstrdup(path + len + (path[len] == '/'));
}

char *path_from_here(const char *word)
{
	_cleanup_configuration_ struct configuration configuration = {0};
	const struct request request = {.action = ACTION_SWITCH};

	configuration_find_here(&configuration, &request);
	return path_in_configuration(configuration.root ? configuration.root : "/", word);
}
