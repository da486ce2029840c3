#pragma once
/*
 * Looks at a configuration's files as its owner (in a worker): the user we run as may not
 * be allowed to enter the directory.
 */
#include <sys/types.h>
#include <time.h>

#include "base/macro.h"

struct file_look {
	bool is_there;
	time_t saved;
	uid_t owner;
};

/*
 * One look for each path below root, in their order; if the worker failed (printed),
 * is_there is false in all. No link is followed. The caller frees; never NULL.
 */
struct file_look *files_look(
	const char *root, const char *const *paths, size_t len) _must_check_;
