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

char *typed_git_beneath(const char *root)
{
	_cleanup_free_ char *parent = xstrdup(root), *quoted = NULL;

	*strrchr(parent, '/') = '\0';
	quoted = text_shell_word(parent);
	return xasprintf("GIT_CEILING_DIRECTORIES=%s git", quoted);
}

char *typed_git(const struct configuration *configuration)
{
	_cleanup_free_ char *root = text_shell_word(configuration->root);
	_cleanup_free_ char *git = configuration->is_git
					   ? xstrdup("git")
					   : typed_git_beneath(configuration->root);
	const bool here = is_here(configuration);

	return xasprintf("%s%s%s", git, here ? "" : " -C ", here ? "" : root);
}

char *typed_path(const struct configuration *configuration, const char *path)
{
	_cleanup_free_ char *file =
		is_here(configuration) ? xstrdup(path)
				       : xasprintf("%s/%s", configuration->root, path);

	return text_shell_word(file);
}
