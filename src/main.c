#include <sys/auxv.h>

#include "base/file.h"
#include "base/message.h"
#include "base/text.h"
#include "commands/command.h"
#include "rebuild/program.h"
#include "run/run.h"

static void print_help(void)
{
	puts("Usage: safe-rebuild [OPTIONS] ACTION [nixos-rebuild's own arguments ...]\n"
	     "       safe-rebuild [OPTIONS] COMMAND ...\n"
	     "\n"
	     "Stands in front of nixos-rebuild: one rebuild at a time, each caller is "
	     "told\n"
	     "what changed since its own last build, and every build is recorded.\n"
	     "ACTION is nixos-rebuild's (switch, boot, test, build, ...).\n"
	     "\n"
	     "Options:");
	own_options_print_help();
	puts("\nCommands:");
	for (size_t i = 0; commands[i]; i++)
		printf("  %-10s %s\n", commands[i]->name, commands[i]->help);
	puts("\nExamples:\n"
	     "  safe-rebuild switch --flake .#host\n"
	     "  safe-rebuild --message \"add nginx\" switch\n"
	     "  safe-rebuild attach 44\n"
	     "\n"
	     "See safe-rebuild(8) and safe-rebuild.ini(5).");
}

/* Answers --help and --version, which need no settings; -1: it was neither. */
static int answer_at_once(const struct strv *words)
{
	if (!words->len)
		return fail(EXIT_USAGE,
			"usage: safe-rebuild ACTION ..., such as: safe-rebuild switch "
			"(--help tells more)");
	if (streq(words->words[0], "--help") || streq(words->words[0], "-h")) {
		print_help();
		return 0;
	}
	if (streq(words->words[0], "--version")) {
		puts("safe-rebuild " VERSION);
		return 0;
	}
	return -1;
}

static bool is_drop_in(const char *name)
{
	return streq(basename(name), "nixos-rebuild");
}

static const char *find_meant(const char *word)
{
	if (streq(word, "help"))
		return "--help";
	for (size_t i = 0; commands[i]; i++)
		if (text_is_slip(word, commands[i]->name))
			return commands[i]->name;
	return action_near(word);
}

/* A mistyped command would queue, fail, and be recorded as a build. */
static bool is_mistyped(const struct strv *words)
{
	struct request request;
	const char *meant;

	request_parse(&request, words);
	if (request.action != ACTION_UNKNOWN)
		return false;
	meant = find_meant(request.action_word);
	if (meant)
		error("'%s' is neither an action nor a command: did you mean '%s'?",
			request.action_word, meant);
	return meant;
}

static bool is_hook(const struct strv *words)
{
	return words->len && command_find(words->words[0]) == &command_hook;
}

static int run(bool drop_in, struct strv *words, const struct surroundings *surroundings)
{
	_cleanup_own_options_ struct own_options options = {.wait_ms = -1};
	_cleanup_settings_ struct settings settings = {0};
	const struct command *command = NULL;
	int status = -1, settings_status;
	const int options_status = own_options_read(&options, drop_in ? NULL : words);

	/* A hook must never hold up its agent, so it does what it can. */
	if (options_status < 0 && !is_hook(words))
		return EXIT_USAGE;
	if (!drop_in)
		status = answer_at_once(words);
	if (status >= 0)
		return status;
	if (!drop_in)
		command = command_find(words->words[0]);
	settings_status = settings_read(&settings, options.settings);
	if (settings_status < 0 && !is_hook(words))
		return EXIT_SETTINGS;
	if (command) {
		struct context context = {
			.settings = settings_status < 0 ? NULL : &settings,
			.surroundings = surroundings,
			.own = &options};

		return command_run(command, &context, words);
	}
	if (!drop_in && is_mistyped(words))
		return EXIT_USAGE;
	return run_rebuild(&settings, &options, words, surroundings, false);
}

int main(int argc, char **argv)
{
	_cleanup_strv_ struct strv words = {0};
	struct surroundings surroundings;

	/* setuid or with capabilities: environment and PATH come from another user. */
	if (getauxval(AT_SECURE))
		return fail(EXIT_NO_PERMISSION,
			"refusing to run with raised privileges (setuid): use sudo");
	program_trust_path();
	keep_standard_descriptors_only();
	surroundings_enter(&surroundings);
	if (argc > 1)
		strv_add_all(&words, argv + 1);
	return run(argc > 0 && is_drop_in(argv[0]), &words, &surroundings);
}
