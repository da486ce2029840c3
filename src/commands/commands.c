#include <getopt.h>

#include "base/message.h"
#include "base/text.h"
#include "commands/command.h"

const struct command *const commands[] = {
	&command_status,
	&command_diff,
	&command_log,
	&command_show,
	&command_attach,
	&command_cancel,
	&command_exec,
	NULL,
};

const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (streq(commands[i]->name, name))
			return commands[i];
	return NULL;
}

int command_usage(const struct command *command)
{
	error("usage: safe-rebuild %s %s", command->name, command->arguments);
	return EXIT_USAGE;
}

static const struct option long_options[] = {
	{"json", no_argument, NULL, 'j'},
	{"patch", no_argument, NULL, 'p'},
	{"output", no_argument, NULL, 'o'},
	{"action", required_argument, NULL, 'a'},
	{"outcome", required_argument, NULL, 'c'},
	{"since", required_argument, NULL, 's'},
	{"path", required_argument, NULL, 't'},
	{0},
};

static int set_option(struct command_options *options, int letter)
{
	uint64_t number;

	switch (letter) {
	case 'j':
		options->json = true;
		return 0;
	case 'p':
		options->patch = true;
		return 0;
	case 'o':
		options->output = true;
		return 0;
	case 'a':
		options->action = optarg;
		return 0;
	case 'c':
		options->outcome = optarg;
		return 0;
	case 's':
		options->since = optarg;
		return 0;
	case 't':
		options->path = optarg;
		return 0;
	default:
		if (!text_to_number(optarg, 1000000, &number))
			return error("-n: '%s' is no number", optarg);
		options->count = (unsigned)number;
		return 0;
	}
}

int command_parse_options(struct command_options *ret, const struct command *command,
	const char *accepted, int argc, char **argv)
{
	int letter;

	optind = 0;
	opterr = 0;
	while ((letter = getopt_long(argc, argv, "n:", long_options, NULL)) >= 0) {
		if (letter == '?' || !strchr(accepted, letter)) {
			command_usage(command);
			return -1;
		}
		if (set_option(ret, letter) < 0)
			return -1;
	}
	return optind;
}
