#pragma once
/* The configurations that have been built on this machine, by their directories. */
#include "settings/settings.h"

/* Whether the file lies in one that is among the newest builds. */
bool configuration_is_known(const struct settings *settings, const char *path);
