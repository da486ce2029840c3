#pragma once
/* How a build and a set of changes read. Foreign text is cleaned and quoted here. */
#include "changes/changes.h"
#include "settings/settings.h"

/* `build 42 by alpha: switch succeeded, generation 142, 5 min ago: "add nginx"`. */
char *describe_build(const struct record *build) _must_check_;

struct describe_options {
	enum show_changes show;
	size_t lines; /* at most so many; what is cut is counted and its command named */
	bool whole;   /* not even one who is alone gets a mere summary */
};

/*
 * Writes the changes: one line where the caller is alone, else a summary and below it
 * each foreign build with its paths and what is not built yet. Lines carry no prefix.
 */
int describe_changes(FILE *out, const struct changes *changes, struct ledger *ledger,
	const struct describe_options *options) _must_check_;

/* One path: "M modules/web.nix +10 -2" and, for SHOW_PATCH, its patch. */
int describe_path(FILE *out, const struct path_change *change, struct ledger *ledger,
	enum show_changes show) _must_check_;
