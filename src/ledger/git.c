#include "ledger/git.h"

#include <stdarg.h>
#include <sys/resource.h>

#include "base/memory.h"
#include "base/message.h"

/*
 * libgit2 parses the system's CA certificates when it starts, for connections that we
 * never make: 7 of its 9 ms on Debian, 20 to 37 with OpenSSL. If it can open no file, it
 * goes on without them; if it fails instead, it gets another try.
 */
static int init_without_certificates(void)
{
	struct rlimit limit, none;
	int result;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return git_libgit2_init();
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = limit.rlim_max};
	setrlimit(RLIMIT_NOFILE, &none);
	result = git_libgit2_init();
	setrlimit(RLIMIT_NOFILE, &limit);
	return result < 0 ? git_libgit2_init() : result;
}

int git_start(void)
{
	static const int levels[] = {GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG,
		GIT_CONFIG_LEVEL_GLOBAL, GIT_CONFIG_LEVEL_PROGRAMDATA};
	static bool started;

	if (started)
		return 0;
	if (init_without_certificates() < 0)
		return git_failed("cannot start libgit2");
	for (size_t i = 0; i < ARRAY_LEN(levels); i++)
		git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, levels[i], "");
	git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
	/* Not needed: what we refer to we have checked, or just read and hashed. */
	git_libgit2_opts(GIT_OPT_ENABLE_STRICT_OBJECT_CREATION, 0);
	started = true;
	return 0;
}

int git_failed(const char *format, ...)
{
	const git_error *last = git_error_last();
	_cleanup_free_ char *subject = NULL;
	va_list arguments;

	va_start(arguments, format);
	subject = xvasprintf(format, arguments);
	va_end(arguments);
	return error("%s: %s", subject,
		last && last->message ? last->message : "libgit2 gives no reason");
}
