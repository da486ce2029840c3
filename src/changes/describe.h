#pragma once
/* How a build and a path read. Foreign text is cleaned and quoted here. */
#include "changes/tree_diff.h"
#include "ledger/builds.h"
#include "settings/settings.h"

/* `build 42 by alpha: switch succeeded, generation 142, 5 min ago: "add nginx"`. */
char *describe_build(const struct record *build) _must_check_;

/*
 * One path: "M modules/web.nix +10 -2, NOTE", of a flake.lock its inputs, and for
 * SHOW_PATCH the patch. note may be NULL.
 */
int describe_path(FILE *out, const struct path_change *change, const char *note,
	struct ledger *ledger, enum show_changes show) _must_check_;
