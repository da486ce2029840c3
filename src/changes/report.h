#pragma once
/*
 * Changes as text: one line if there are no builds to list, else a headline and below it
 * each foreign build with its commits and paths, and what is not built yet. An agent may
 * see only the beginning of a long text: one of more than REPORT_SUMMARY bytes begins
 * with a summary.
 */
#include "changes/changes.h"
#include "settings/settings.h"

#define REPORT_SUMMARY 1500

struct report_options {
	enum show_changes show;
	/* About this much room for builds and paths. What does not fit is counted (older
	 * builds by agent), and the command that shows it is named. */
	size_t lines, bytes;
	const char *words; /* they name the configuration: " --flake ." */
	bool whole;        /* for diff: never in one line, and no line is cut */
};

/* The lines have no prefix. */
int report_changes(struct strbuf *out, const struct changes *changes,
	struct ledger *ledger, const struct report_options *options) _must_check_;
