#pragma once
/* Where the configuration of a build lay, by the name under which it was recorded. */
#include "record/build.h"

/* Whether two names (git+file:///etc/nixos?dir=x#host) are of one directory. */
bool checkout_is_same(const char *config, const char *other);

/* The git checkout that a build was made in, where it is still there. The caller frees;
 * NULL: none. */
char *checkout_of_build(const struct build *build) _must_check_;
