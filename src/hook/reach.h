#pragma once
/*
 * Whether an agent asks our hook before it runs a command. Its settings tell: a hook may
 * be in one file and be switched off in another.
 */
#include "hook/install.h"

/* Whether the agent's settings at that place have our hook. Prints if they cannot be
 * read. */
bool reach_has_hook(const struct vendor *vendor, enum install_place place);

/* A managed file with our hook that we did not make; NULL: none. The caller frees. */
char *reach_drop_in(const struct vendor *vendor) _must_check_;

/* The file with settings in TOML that has our hook; NULL: none. The caller frees. */
char *reach_in_toml(const struct vendor *vendor) _must_check_;

/* The file that switches off the hooks of that place; NULL: none does. The caller frees.
 */
char *reach_switched_off(
	const struct vendor *vendor, enum install_place place) _must_check_;
