#include "hook/invoked.h"

#include "base/memory.h"
#include "base/text.h"

/* Programs that run the command which follows their options. */
static const struct prefix {
	const char *name;
	const char *with_value; /* short options that take the next word */
	const char *no_command; /* short options with which it runs no command here */
	unsigned operands;      /* words before the command */
} prefixes[] = {
	{"sudo", "ugpCTrtDU", "lveKVhR", 0},
	{"doas", "uC", "LCs", 0},
	{"run0", "uDg", "M", 0},
	{"runuser", "ugG", "c", 0},
	{"pkexec", "", "", 0},
	{"env", "uC", "S", 0},
	{"nice", "n", "", 0},
	{"ionice", "cn", "pPu", 0},
	{"chrt", "", "pm", 1},
	{"taskset", "", "p", 1},
	{"nohup", "", "", 0},
	{"setsid", "", "", 0},
	{"stdbuf", "ioe", "", 0},
	{"timeout", "ks", "", 1},
	{"flock", "wE", "cu", 1},
	{"time", "fo", "", 0},
	{"exec", "a", "", 0},
	{"command", "", "vV", 0},
	{"builtin", "", "", 0},
	{"systemd-inhibit", "", "", 0},
	{"systemd-run", "upEDg", "HM", 0},
	{"strace", "abeEIoOPsSuUX", "p", 0},
	{"unbuffer", "", "", 0},
	{"xargs", "adEILnPs", "", 0},
};

/* Their long options that take the next word, if no value follows after "=". */
static const char *const long_with_value[] = {"--user", "--group", "--chdir", "--prompt",
	"--role", "--type", "--close-from", "--command-timeout", "--unset", "--signal",
	"--kill-after", "--what", "--who", "--why", "--mode", "--adjustment", "--unit",
	"--property", "--setenv", "--uid", "--gid", "--timeout", "--working-directory",
	"--description", "--slice", "--service-type", NULL};
/* Long options that run the command elsewhere, with or without "=". */
static const char *const long_no_command[] = {"--machine", "--host", "--chroot", NULL};

static const char *const shells[] = {"sh", "bash", "dash", "zsh", "ksh", "fish", NULL};
/* Others that give a shell a script, after "-c", "-lc" or one of these options. */
static const char *const script_runners[] = {"su", "script", "nix-shell", "sg", NULL};
static const char *const script_options[] = {"--command", "--run", NULL};

/* NAME=, NAME+=, NAME[...]=. */
static bool is_assignment(const char *word)
{
	size_t len = strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
				  "0123456789");

	if (!len)
		return false;
	if (word[len] == '[')
		len += strcspn(word + len, "]") + 1;
	if (len < strlen(word) && word[len] == '+')
		len++;
	return len < strlen(word) && word[len] == '=';
}

/* "$SUDO", "${SUDO:-sudo}": expands to sudo or to nothing. */
static bool is_sudo_variable(const char *word)
{
	return *word == '$' && strcasestr(word, "sudo") && !strpbrk(word, "(`");
}

static const struct prefix *find_prefix(const char *name)
{
	if (is_sudo_variable(name))
		name = "sudo";
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (streq(prefixes[i].name, name))
			return &prefixes[i];
	return NULL;
}

enum option_effect { OPTION_ALONE, OPTION_WITH_VALUE, OPTION_NO_COMMAND };

/* What a word that begins with "-" means to the prefix. */
static enum option_effect effect_of(const char *word, const struct prefix *prefix)
{
	if (word[1] == '-') {
		_cleanup_free_ char *name = xstrndup(word, strcspn(word, "="));

		if (text_is_among(name, long_no_command))
			return OPTION_NO_COMMAND;
		/* --user is a flag for systemd-run, but takes a value for sudo. */
		return text_is_among(word, long_with_value) &&
				       !(streq(word, "--user") &&
					       streq(prefix->name, "systemd-run"))
			       ? OPTION_WITH_VALUE
			       : OPTION_ALONE;
	}
	for (const char *letter = word + 1; *letter; letter++) {
		if (strchr(prefix->no_command, *letter))
			return OPTION_NO_COMMAND;
		if (strchr(prefix->with_value, *letter))
			return letter[1] ? OPTION_ALONE : OPTION_WITH_VALUE;
	}
	return OPTION_ALONE;
}

/* The index of the first word that is not the prefix's own. */
static size_t behind_prefix(
	const struct strv *words, size_t i, const struct prefix *prefix)
{
	unsigned operands = prefix->operands;

	for (; i < words->len; i++) {
		const char *word = words->words[i];
		enum option_effect effect;

		if (streq(word, "--"))
			return i + 1 + operands;
		/* env - is env -i. */
		if (streq(word, "-"))
			continue;
		if (*word != '-') {
			if (is_assignment(word))
				continue;
			if (!operands)
				break;
			operands--;
			continue;
		}
		effect = effect_of(word, prefix);
		if (effect == OPTION_NO_COMMAND)
			return words->len;
		if (effect == OPTION_WITH_VALUE)
			i++;
	}
	return i;
}

/* The index of what "nix develop|shell ... -c" runs. */
static size_t behind_nix(const struct strv *words, size_t i)
{
	if (!strv_has(words, "develop") && !strv_has(words, "shell"))
		return words->len;
	while (i < words->len && !streq(words->words[i], "-c") &&
		!streq(words->words[i], "--command"))
		i++;
	return i + 1;
}

size_t invoked_program(const struct strv *words, const struct ranges *raw)
{
	size_t i = 0;

	while (i < words->len) {
		const char *word = words->words[i];
		const struct prefix *prefix = find_prefix(basename(word));

		if (prefix)
			i = behind_prefix(words, i + 1, prefix);
		else if (streq(basename(word), "nix"))
			i = behind_nix(words, i + 1);
		else if (streq(word, "function"))
			i += 2;
		else if (is_assignment(word) || scan_is_keyword(&raw->list[i]))
			i++;
		else
			break;
	}
	return i < words->len ? i : words->len;
}

/* The index of the script that follows a shell's -c or -lc; 0: none. */
static size_t find_script(const struct strv *words, size_t i)
{
	for (i++; i + 1 < words->len && strchr("-+", words->words[i][0]); i++) {
		const char *word = words->words[i];

		if (word[1] == '-')
			continue;
		if (*word == '-' && strchr(word, 'c')) {
			i += 1 + streq(words->words[i + 1], "--");
			return i < words->len ? i : 0;
		}
		/* -o and -O have a value, as in -euo pipefail. */
		if (strchr("oO", word[strlen(word) - 1]))
			i++;
	}
	return 0;
}

/* The index of the script that another runner is given; 0: none. */
static size_t find_others_script(const struct strv *words, size_t i)
{
	for (i++; i + 1 < words->len; i++) {
		const char *word = words->words[i];

		if (text_is_among(word, script_options) ||
			(*word == '-' && word[1] != '-' && ends_with(word, "c")))
			return i + 1;
	}
	return 0;
}

size_t invoked_script(const struct strv *words, size_t program)
{
	const char *name = basename(words->words[program]);

	if (text_is_among(name, shells))
		return find_script(words, program);
	return text_is_among(name, script_runners) ? find_others_script(words, program)
						   : 0;
}
