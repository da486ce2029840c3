#include "rebuild/request.h"

#include <ctype.h>
#include <stddef.h>

#include "base/memory.h"
#include "base/text.h"

enum arity { FLAG, ONE, TWO, OPTIONAL };

/* Where the value goes: an offset into struct request; flags set a bool there. */
struct option_spec {
	const char *name;
	enum arity arity;
	size_t offset; /* NOWHERE: read past */
};

#define NOWHERE ((size_t)-1)
#define AT(member) offsetof(struct request, member)
#define INCLUDE AT(include)

/* nixos-rebuild-ng of 26.05; the bash script's options are all among them. */
static const struct option_spec specs[] = {
	{"--flake", OPTIONAL, AT(flake)},
	{"-F", OPTIONAL, AT(flake)},
	{"--no-flake", FLAG, AT(no_flake)},
	{"--file", ONE, AT(file)},
	{"-f", ONE, AT(file)},
	{"--attr", ONE, AT(attr)},
	{"-A", ONE, AT(attr)},
	{"--profile-name", ONE, AT(profile_name)},
	{"-p", ONE, AT(profile_name)},
	{"--target-host", ONE, AT(target_host)},
	{"--build-host", ONE, NOWHERE},
	{"--store-path", ONE, AT(store_path)},
	{"--specialisation", ONE, AT(specialisation)},
	{"-c", ONE, AT(specialisation)},
	{"--include", ONE, INCLUDE},
	{"-I", ONE, INCLUDE},
	{"--rollback", FLAG, AT(rollback)},
	{"--help", FLAG, AT(help)},
	{"-h", FLAG, AT(help)},
	{"--sudo", FLAG, AT(sudo)},
	{"--use-remote-sudo", FLAG, AT(sudo)},
	{"--ask-sudo-password", FLAG, AT(asks_password)},
	{"--ask-elevate-password", FLAG, AT(asks_password)},
	{"-S", FLAG, AT(asks_password)},
	{"--elevate", ONE, AT(elevate)},
	{"--max-jobs", ONE, NOWHERE},
	{"-j", ONE, NOWHERE},
	{"--cores", ONE, NOWHERE},
	{"--log-format", ONE, NOWHERE},
	{"--option", TWO, NOWHERE},
	{"--arg", TWO, NOWHERE}, /* the bash script's */
	{"--argstr", TWO, NOWHERE},
	{"--builders", ONE, NOWHERE},
	{"--update-input", ONE, NOWHERE},
	{"--override-input", TWO, NOWHERE},
	{"--image-variant", ONE, NOWHERE},
	{"-v", FLAG, NOWHERE},
	{"-k", FLAG, NOWHERE},
	{"-K", FLAG, NOWHERE},
	{"-L", FLAG, NOWHERE},
	{"-Q", FLAG, NOWHERE},
	{"-s", FLAG, NOWHERE},
};

static const struct {
	const char *word;
	enum action action;
} actions[] = {
	{"switch", ACTION_SWITCH},
	{"boot", ACTION_BOOT},
	{"test", ACTION_TEST},
	{"dry-activate", ACTION_DRY_ACTIVATE},
	{"build", ACTION_BUILD},
	{"dry-build", ACTION_DRY_BUILD},
	{"dry-run", ACTION_DRY_BUILD},
	{"build-vm", ACTION_BUILD_VM},
	{"build-vm-with-bootloader", ACTION_BUILD_VM},
	{"build-image", ACTION_BUILD_IMAGE},
	{"edit", ACTION_EDIT},
	{"repl", ACTION_REPL},
	{"list-generations", ACTION_LIST_GENERATIONS},
};

static const struct option_spec *find_spec(const char *word, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(specs); i++)
		if (strlen(specs[i].name) == len &&
			strncmp(specs[i].name, word, len) == 0)
			return &specs[i];
	return NULL;
}

static bool is_negative_number(const char *word)
{
	if (*word != '-' || !word[1])
		return false;
	for (word++; *word; word++)
		if (!isdigit((unsigned char)*word) && *word != '.')
			return false;
	return true;
}

/* argparse's "A": what can be a value or the action. */
static bool is_free_word(const char *word)
{
	if (*word != '-' || !word[1] || is_negative_number(word))
		return true;
	if (find_spec(word, strcspn(word, "=")) || (word[1] != '-' && find_spec(word, 2)))
		return false;
	return strchr(word, ' ') != NULL;
}

static void store(
	struct request *request, const struct option_spec *spec, const char *value)
{
	char *member = (char *)request + spec->offset;

	if (spec->offset == NOWHERE)
		return;
	if (spec->offset == INCLUDE) {
		if (request->include_count < ARRAY_LEN(request->include))
			request->include[request->include_count++] = value;
		return;
	}
	if (spec->arity == FLAG)
		*(bool *)member = true;
	else
		*(const char **)member = value;
	/* Of --flake and --no-flake the later one counts. */
	if (spec->offset == AT(flake))
		request->no_flake = false;
	else if (spec->offset == AT(no_flake))
		request->flake = NULL;
}

/* Stores the option's value or values from the words after at; returns how many it took.
 */
static size_t store_following(struct request *request, const struct option_spec *spec,
	const struct strv *words, size_t at)
{
	size_t free_words = 0;

	while (at + free_words + 1 < words->len && free_words < 2 &&
		!streq(words->words[at + free_words + 1], "--") &&
		is_free_word(words->words[at + free_words + 1]))
		free_words++;
	switch (spec->arity) {
	case FLAG:
		store(request, spec, NULL);
		return 0;
	case OPTIONAL:
		store(request, spec, free_words ? words->words[at + 1] : ".");
		return free_words ? 1 : 0;
	case ONE:
		if (free_words)
			store(request, spec, words->words[at + 1]);
		return free_words ? 1 : 0;
	case TWO:
		return free_words;
	}
	return 0;
}

/* -vLF. and the like: flags until one takes the rest, or the next word, as its value. */
static size_t parse_cluster(struct request *request, const struct strv *words, size_t at)
{
	const char *word = words->words[at];

	for (size_t i = 1; word[i]; i++) {
		const char name[] = {'-', word[i], '\0'};
		const struct option_spec *spec = find_spec(name, 2);

		if (!spec)
			return 0;
		if (spec->arity == FLAG) {
			store(request, spec, NULL);
			continue;
		}
		if (!word[i + 1])
			return store_following(request, spec, words, at);
		store(request, spec, word + i + 1 + (word[i + 1] == '='));
		return 0;
	}
	return 0;
}

enum action action_from_word(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (streq(actions[i].word, word))
			return actions[i].action;
	return ACTION_UNKNOWN;
}

const char *action_near(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (text_is_slip(word, actions[i].word))
			return actions[i].word;
	return NULL;
}

/* argparse accepts every unambiguous beginning of a long option. */
static bool may_be_impure(const char *word)
{
	static const char *const options[] = {"--impure", "--upgrade", "--upgrade-all",
		"--refresh", "--override-input", "--update-input", "--recreate-lock-file",
		"--no-pure-eval", "--option"};
	const size_t len = strcspn(word, "=");

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (len > strlen("--") && strncmp(options[i], word, len) == 0)
			return true;
	return false;
}

/* Returns how many words after at belong to the option. */
static size_t parse_option(struct request *request, const struct strv *words, size_t at)
{
	const char *word = words->words[at];
	size_t name_len = strcspn(word, "=");
	const struct option_spec *spec = find_spec(word, name_len);

	if (spec && !word[name_len])
		return store_following(request, spec, words, at);
	if (spec) {
		if (spec->arity == ONE || spec->arity == OPTIONAL)
			store(request, spec, word + name_len + 1);
		return 0;
	}
	if (word[1] == '-' && !request->unknown && !may_be_impure(word))
		request->unknown = word;
	return word[1] != '-' ? parse_cluster(request, words, at) : 0;
}

/*
 * doubtful: the word follows an unknown option and may be its value, which it
 * is if an action follows.
 */
static void take_action(struct request *request, const char *word, bool doubtful)
{
	const bool was_value =
		request->is_doubtful && action_from_word(word) != ACTION_UNKNOWN;

	if (request->action_word && !was_value) {
		if (request->operand_count < ARRAY_LEN(request->operand))
			request->operand[request->operand_count++] = word;
		return;
	}
	request->action_word = word;
	request->action = action_from_word(word);
	request->is_doubtful = doubtful;
}

static bool is_unknown_option(const char *word)
{
	return word[0] == '-' && word[1] == '-' && !strchr(word, '=') &&
	       !find_spec(word, strlen(word));
}

void request_parse(struct request *ret, const struct strv *words)
{
	bool only_free = false;

	*ret = (struct request){.action = ACTION_NONE};
	for (size_t i = 0; i < words->len; i++) {
		const char *word = words->words[i];

		ret->impure = ret->impure || (!only_free && may_be_impure(word));
		if (!only_free && streq(word, "--"))
			only_free = true;
		else if (only_free || is_free_word(word))
			take_action(ret, word,
				i && !only_free &&
					is_unknown_option(words->words[i - 1]));
		else
			i += parse_option(ret, words, i);
	}
}

bool action_is_harmless(enum action action)
{
	return action == ACTION_NONE || action == ACTION_EDIT || action == ACTION_REPL ||
	       action == ACTION_LIST_GENERATIONS;
}

bool action_needs_lock(enum action action, bool builds_queue)
{
	const bool only_builds = action == ACTION_BUILD || action == ACTION_DRY_BUILD ||
				 action == ACTION_BUILD_VM ||
				 action == ACTION_BUILD_IMAGE;

	return only_builds ? builds_queue : !action_is_harmless(action);
}

bool action_changes_system(enum action action)
{
	return action == ACTION_SWITCH || action == ACTION_BOOT ||
	       action == ACTION_TEST || action == ACTION_UNKNOWN;
}

static void add_pair(struct strv *words, const char *option, const char *value)
{
	if (!value || !*value)
		return;
	strv_add(words, option);
	strv_add(words, value);
}

char *request_words(const struct request *request)
{
	_cleanup_strv_ struct strv words = {0};
	_cleanup_free_ char *line = NULL;

	add_pair(&words, "--flake", request->flake);
	add_pair(&words, "--file", request->file);
	add_pair(&words, "--attr", request->attr);
	for (size_t i = 0; i < request->include_count; i++)
		add_pair(&words, "-I", request->include[i]);
	add_pair(&words, "-p", request->profile_name);
	line = words.len ? text_shell_words(words.words) : xstrdup("");
	return xasprintf("%s%s", words.len ? " " : "", line);
}
