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

/* accepted: the letters of the options that this command has, of j(son), p(atch),
 * o(utput), n. */
int command_parse_options(struct command_options *ret, const struct command *command,
	const char *accepted, int argc, char **argv)
{
	static const struct option long_options[] = {
		{"json", no_argument, NULL, 'j'},
		{"patch", no_argument, NULL, 'p'},
		{"output", no_argument, NULL, 'o'},
		{0},
	};
	uint64_t number;
	int letter;

	optind = 0;
	opterr = 0;
	while ((letter = getopt_long(argc, argv, "n:", long_options, NULL)) >= 0) {
		if (letter == '?' || !strchr(accepted, letter)) {
			command_usage(command);
			return -1;
		}
		if (letter == 'j')
			ret->json = true;
		else if (letter == 'o')
			ret->output = true;
		else if (letter == 'p')
			ret->patch = true;
		else if (text_to_number(optarg, 1000000, &number))
			ret->count = (unsigned)number;
		else
			return error("-n: '%s' is no number", optarg);
	}
	return optind;
}
