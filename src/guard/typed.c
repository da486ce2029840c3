#include "guard/typed.h"

#include <limits.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

static bool is_here(const struct configuration *configuration)
{
	char here[PATH_MAX];

	return getcwd(here, sizeof(here)) && streq(here, configuration->root);
}

char *typed_git(const struct configuration *configuration)
{
	_cleanup_free_ char *root = text_shell_word(configuration->root);
	_cleanup_free_ char *parent = xstrdup(configuration->root), *ceiling = NULL;
	const bool here = is_here(configuration);

	*strrchr(parent, '/') = '\0';
	ceiling = text_shell_word(parent);
	return xasprintf("%s%s%sgit%s%s",
		configuration->is_git ? "" : "GIT_CEILING_DIRECTORIES=",
		configuration->is_git ? "" : ceiling, configuration->is_git ? "" : " ",
		here ? "" : " -C ", here ? "" : root);
}

char *typed_path(const struct configuration *configuration, const char *path)
{
	_cleanup_free_ char *file =
		is_here(configuration) ? xstrdup(path)
				       : xasprintf("%s/%s", configuration->root, path);

	return text_shell_word(file);
}
