#pragma once
/*
 * What an agent calls things, as seen with Claude Code 2.1.330, Codex 0.169.0 and Gemini
 * CLI 0.61.0. Claude Code replaces a command without a decision, and then asks its own
 * rules about the new one: "allow" would run it where its user has allowed nothing. Codex
 * runs the old command unless the answer says "allow", and asks its rules all the same.
 */
#include <stdbool.h>
#include <stdint.h>

/* Where an agent's settings are: the first that says something about a matter decides. */
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
	const char *changed;        /* what a changed input is called */
	bool has_to_allow;
	bool shell_lacks_session; /* its commands do not know whose they are */
	bool part_is_session;     /* a subagent's id is a session's, in its shell too */
	bool has_plugin;          /* instead of hooks */
	/* The longest for a command, and for one in the background; 0: it has none. */
	int64_t timeout_ms, background_ms;
	const char *paths[PLACES]; /* of its settings; "~" is the user's home */
	const char *variable;      /* names the directory that is... */
	const char *home;          /* ... else this */
};

/* All of them; the last one has no name. */
extern const struct vendor vendors[];
/* NULL: there is none of that name. */
const struct vendor *vendor_find(const char *name);
