#pragma once
/* Builds and paths in words. Text from elsewhere is cleaned here, because it becomes part
 * of a text of many lines. */
#include "changes/tree_diff.h"
#include "ledger/builds.h"
#include "settings/settings.h"

/* `build 42 by alpha: switch succeeded, generation 142, 5 min ago: "add nginx"`. */
char *describe_build(const struct build *build) _must_check_;

/* `beta: switch refused, 5 min ago: it would take away the work of 43 (web.nix)`. */
char *describe_refusal(const struct build *call) _must_check_;

/*
 * Adds a path, as "M modules/web.nix +10 -2, NOTE": for a flake.lock with its inputs
 * instead of numbers, for SHOW_PATCH with the patch. note may be NULL.
 */
int describe_path(struct strbuf *out, const struct path_change *change, const char *note,
	struct ledger *ledger, enum show_changes show) _must_check_;
