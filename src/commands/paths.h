#pragma once
/* Paths of the configuration as callers name them. */
#include "base/macro.h"

/*
 * Relative to the configuration's root: from where the caller stands, or absolute; "" for
 * the root itself. One that lies elsewhere is taken as it stands. The caller frees.
 */
char *path_in_configuration(const char *root, const char *word) _must_check_;
