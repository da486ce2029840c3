#pragma once
/* How a build and a path read. Foreign text is cleaned here: it becomes part of a text of
 * many lines. */
#include "changes/tree_diff.h"
#include "ledger/builds.h"
#include "settings/settings.h"

/* `build 42 by alpha: switch succeeded, generation 142, 5 min ago: "add nginx"`. */
char *describe_build(const struct build *build) _must_check_;

/* `beta: switch refused, 5 min ago: it would take away the work of 43 (web.nix)`. */
char *describe_refusal(const struct build *call) _must_check_;

/*
 * One path: "M modules/web.nix +10 -2, NOTE", of a flake.lock its inputs, and for
 * SHOW_PATCH the patch. note may be NULL.
 */
int describe_path(struct strbuf *out, const struct path_change *change, const char *note,
	struct ledger *ledger, enum show_changes show) _must_check_;
