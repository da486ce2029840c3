#pragma once
/* Our plugin for opencode, which has no hooks: it hands each event to safe-rebuild hook.
 */

extern const char opencode_plugin[];
