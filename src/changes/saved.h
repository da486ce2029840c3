#pragma once
/* When a file of the configuration was last saved: who edits, edits now. */
#include "base/macro.h"

/* "saved 20 s ago", of the path below the directory root; NULL where it is gone. Follows
 * no link. The caller frees. */
char *saved_describe(int root, const char *path) _must_check_;
