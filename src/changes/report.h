#pragma once
/*
 * Changes as a text: one line where the caller is alone, else a summary, and below it
 * each foreign build with its commits and paths, and what is not built yet. Where the
 * whole is longer than an agent may ever see of it, its first REPORT_SUMMARY bytes stand
 * alone.
 */
#include "changes/changes.h"
#include "settings/settings.h"

#define REPORT_SUMMARY 1500

struct report_options {
	enum show_changes show;
	/* About this many, for builds and paths; what is cut is counted, older builds by
	 * agent, and the command named. */
	size_t lines, bytes;
	const char *words; /* that name the configuration: " --flake ." */
	bool whole;        /* never a one-line summary, and no line is cut (for diff)
			    */
};

/* Lines carry no prefix. */
int report_changes(struct strbuf *out, const struct changes *changes,
	struct ledger *ledger, const struct report_options *options) _must_check_;
