#pragma once
/* How callers name files. */
#include "base/macro.h"

/*
 * A path of the configuration, relative to its root: from where the caller stands, or
 * absolute; "" for the root itself. One that lies elsewhere is taken as it stands. The
 * caller frees.
 */
char *path_in_configuration(const char *root, const char *word) _must_check_;

/* The same in the configuration where the caller stands. */
char *path_from_here(const char *word) _must_check_;
