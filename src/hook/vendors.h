#pragma once
/*
 * What agents call things, as seen in Claude Code 2.1.330, Codex 0.169.0 and Gemini CLI
 * 0.61.0. Claude Code replaces a command without a decision of ours, and then asks its
 * own rules about the new one; "allow" would run it even if its user has allowed nothing.
 * Codex runs the old command unless we say "allow", and still asks its rules.
 */
#include <stdbool.h>
#include <stdint.h>

/* Where an agent's settings are. The first place that has a setting decides. */
enum install_place {
	PLACE_MANAGED, /* for everybody on the machine */
	PLACE_MANAGED_BY_OTHERS,
	PLACE_LOCAL,
	PLACE_PROJECT,
	PLACE_USER,
	PLACES
};

struct vendor {
	const char *name, *agent;
	const char *before, *after; /* events of a tool's call */
	const char *shell;          /* the tool that runs commands */
	const char *editors[6];     /* tools that write a file; NULL-terminated */
	const char *contexts[4];    /* events whose answer the model reads; likewise */
	const char *changed;        /* the answer's key for a changed input */
	bool has_to_allow;
	bool shell_lacks_session; /* its commands do not get the session's id */
	bool part_is_session;     /* a subagent has a session id, in its shell as well */
	bool has_plugin;          /* instead of hooks */
	bool reads_comments;      /* in its settings; the others skip such a file */
	/* The longest time limits for a command, here and in the background; 0: none. */
	int64_t timeout_ms, background_ms;
	const char *paths[PLACES]; /* of its settings; "~" is the user's home */
	const char *drop_ins;      /* a directory of more managed settings; NULL: none */
	const char *variable;      /* if set, it replaces .home in .paths */
	const char *home;          /* as "~/.claude" */
};

/* All of them; the last one has no name. */
extern const struct vendor vendors[];
/* NULL: unknown. */
const struct vendor *vendor_find(const char *name);
