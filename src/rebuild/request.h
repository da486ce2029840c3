#pragma once
/*
 * What nixos-rebuild is asked to do, read off its command line. Both versions are
 * understood: the Python nixos-rebuild-ng (argparse: any order, --opt=value, clusters of
 * short options, an optional and greedy value for --flake) and the older bash script,
 * whose words are a subset. Words are only read, and passed on byte for byte. An unknown
 * option counts as a flag, because the configuration that is built decides which version
 * of nixos-rebuild reads it (nixos-rebuild(8); argparse in the Python manual).
 */
#include "base/strv.h"

enum action {
	ACTION_NONE, /* no action word: nixos-rebuild will complain itself */
	ACTION_SWITCH,
	ACTION_BOOT,
	ACTION_TEST,
	ACTION_DRY_ACTIVATE,
	ACTION_BUILD,
	ACTION_DRY_BUILD,
	ACTION_BUILD_VM,
	ACTION_BUILD_IMAGE,
	ACTION_EDIT,
	ACTION_REPL,
	ACTION_LIST_GENERATIONS,
	ACTION_UNKNOWN, /* a word that no known version accepts */
};

/* All strings point into the words that were parsed. */
struct request {
	enum action action;
	const char *action_word;
	bool is_doubtful;  /* it may be the value of an option that is not known */
	const char *flake; /* value of --flake, "." for a bare one, NULL without */
	bool no_flake;
	const char *file, *attr;
	const char *profile_name; /* NULL or "system": the system's own */
	const char *target_host;  /* NULL or empty: this machine */
	const char *store_path;
	const char *specialisation;
	const char *include[16]; /* values of -I, in order */
	size_t include_count;
	const char *operand[32]; /* free words after the action; nixos-rebuild has none */
	size_t operand_count;
	const char *elevate; /* NULL: not given; wins over sudo */
	bool sudo, asks_password;
	const char *unknown; /* the first long option that is not known; NULL: none */
	bool rollback, help;
	/* What is built depends on more than the configuration's files, or may: inputs
	 * are looked up anew or replaced, or evaluation is not pure. */
	bool impure;
};

/* ACTION_UNKNOWN where nixos-rebuild has no such action. */
enum action action_from_word(const char *word);
/* The action that the word misspells (text_is_slip()); NULL: none. */
const char *action_near(const char *word);

void request_parse(struct request *ret, const struct strv *words);

/* Whether it cannot get in anybody's way: it needs no queue and no snapshot. */
bool action_is_harmless(enum action action);
/* Whether it must have the lock; builds_queue is the setting [queue] builds. */
bool action_needs_lock(enum action action, bool builds_queue);
/* Whether it can change what the machine runs or boots. */
bool action_changes_system(enum action action);

/* How the request names its configuration, for other calls: " --flake .#box"; "": it
 * names none. The caller frees. */
char *request_words(const struct request *request) _must_check_;
