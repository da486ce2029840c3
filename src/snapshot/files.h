#pragma once
/*
 * How files of a configuration are now, as its owner sees them (in a worker): the user we
 * run as may not even enter the directory.
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
 * One for each of the paths below root, in their order; all of them absent where the
 * worker failed (printed). No link is followed. The caller frees; never NULL.
 */
struct file_look *files_look(
	const char *root, const char *const *paths, size_t len) _must_check_;
