#pragma once
/*
 * Our own commands. To add one: a file command_NAME.c that ends in its struct command, a
 * line in commands.c, a section in man/safe-rebuild.8.scd (a test compares the two).
 */
#include "base/child.h"
#include "caller/caller.h"
#include "caller/own_options.h"
#include "changes/tree_diff.h"
#include "ledger/ledger.h"
#include "record/json.h"
#include "settings/settings.h"

/* The options of all commands together; commands.c lists them. */
struct command_options {
	bool json, patch, output, exit_code, restore, take_back, refused;
	bool md, check, user, project, managed, opencode_plugin;
	unsigned count; /* 0: not given */
	char *action, *outcome, *since, *path, *duration, *install, *remove;
};

/* What a command is given. */
struct context {
	const struct settings *settings; /* NULL: wrong ones, for a hook alone */
	const struct surroundings *surroundings;
	const struct own_options *own;
	const struct command_options *options;
	const struct strv *words; /* what follows the command's name and is no option */
};

struct command {
	const char *name;
	const char *arguments; /* as --help shows them */
	const char *help;      /* one line */
	const char *options;   /* the names of those that it has, with blanks between */
	size_t operands_max;
	bool passes_on; /* words that it does not know are somebody else's */
	int (*run)(const struct context *context);
};

extern const struct command command_status, command_diff, command_log, command_show,
	command_attach, command_cancel, command_exec, command_rollback, command_confirm,
	command_pause, command_resume, command_hook, command_agents;

/* NULL-terminated, in the order of --help. */
extern const struct command *const commands[];

const struct command *command_find(const char *name);

/*
 * words: from the command's name on; options and words of the context are filled in.
 * Returns the exit status.
 */
int command_run(
	const struct command *command, struct context *context, const struct strv *words);

/*
 * Finds out who calls, and lets root put down its rights (settings/sharing.h): what needs
 * them, such as finding the configuration, comes before. -1 (printed) where the caller
 * gave no valid name.
 */
int command_enter(struct caller *ret, const struct context *context) _must_check_;

/* Says what is wrong with the command's arguments; returns EXIT_USAGE. */
int command_usage(const struct command *command);

/* The ledger of a command that needs one: prints and returns NULL where there is none. */
struct ledger *command_ledger(const struct settings *settings) _must_check_;

/* Prints bytes as they are, for another program; on a terminal cleaned. Returns the exit
 * status. */
int command_print(const char *text, size_t len);

/* {"path": "a.nix", "status": "M"}. */
json_t *json_path_change(const struct path_change *change) _must_check_;

/* Prints the answer (owned) and returns the exit status of the command. */
int json_print(json_t *answer);
