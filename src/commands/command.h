#pragma once
/*
 * Our own commands. To add one: a file command_NAME.c that ends in its struct command, a
 * line in commands.c, a section in man/safe-rebuild.8.scd (a test compares the two).
 */
#include "caller/own_options.h"
#include "run/child.h"
#include "settings/settings.h"

/* What every command is given. */
struct context {
	const struct settings *settings;
	const struct own_options *options;
	const struct surroundings *surroundings;
};

struct command {
	const char *name;
	const char *arguments; /* as --help shows them */
	const char *help;      /* one line */
	/* argv[0] is the command's name; returns the exit status. */
	int (*run)(const struct context *context, int argc, char **argv);
};

extern const struct command command_status, command_diff, command_log, command_show,
	command_attach, command_cancel, command_exec;

/* NULL-terminated, in the order of --help. */
extern const struct command *const commands[];

const struct command *command_find(const char *name);

/* Says what is wrong with the command's arguments; returns EXIT_USAGE. */
int command_usage(const struct command *command);

/*
 * Parses the options of a command with getopt_long(3); accepted are the letters of those
 * that it has, as commands.c lists them. Returns the index of the first operand, -1
 * (printed) where the options are wrong.
 */
struct command_options {
	bool json;
	bool patch;
	bool output;
	unsigned count; /* -n */
	const char *action, *outcome, *since, *path;
};
int command_parse_options(struct command_options *ret, const struct command *command,
	const char *accepted, int argc, char **argv);
