#pragma once
/* Our plugin for opencode, which has no hooks: it hands each event to safe-rebuild hook.
 */

#include <stdbool.h>

extern const char opencode_plugin[];

/* Whether the file's text is ours, of whichever version; else it is somebody's own. */
bool plugin_is_ours(const char *text);
