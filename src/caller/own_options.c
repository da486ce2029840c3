#include "caller/own_options.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "caller/caller.h"

typedef int setter(struct own_options *options, const char *name, const char *value);

static int set_agent(struct own_options *options, const char *name, const char *value)
{
	(void)name;
	set_string(&options->agent, xstrdup(value));
	return 0;
}

static int set_message(struct own_options *options, const char *name, const char *value)
{
	(void)name;
	set_string(&options->message, xstrdup(value));
	return 0;
}

static int set_settings(struct own_options *options, const char *name, const char *value)
{
	(void)name;
	set_string(&options->settings, xstrdup(value));
	return 0;
}

static int set_wait(struct own_options *options, const char *name, const char *value)
{
	if (!clock_parse_duration(value, &options->wait_ms))
		return error("%s: '%s' is no duration: 0, 90s, 10m, 2h or forever", name,
			value);
	return 0;
}

static int set_no_wait(struct own_options *options, const char *name, const char *value)
{
	(void)name;
	(void)value;
	options->wait_ms = 0;
	return 0;
}

/* A build's number, or what names a system that was made outside safe-rebuild. */
static int set_allow_undo(
	struct own_options *options, const char *name, const char *value)
{
	const char *digits = starts_with(value, "gen:") ? value + strlen("gen:") : value;
	uint64_t number = 0;

	if (*value != '/' && (!text_to_number(digits, UINT32_MAX, &number) || !number))
		return error("%s: '%s' is no build number, such as 43", name, value);
	set_string(&options->allow_undo, xstrdup(value));
	return 0;
}

static const struct {
	const char *name, *value, *variable, *help;
	setter *set;
} specs[] = {
	{"--agent", "NAME", "SAFE_REBUILD_AGENT", "who I am; else detected", set_agent},
	{"--message", "TEXT", "SAFE_REBUILD_MESSAGE", "why: shown to others and recorded",
		set_message},
	{"--wait", "DURATION", "SAFE_REBUILD_WAIT",
		"how long to queue: 90s, 10m, forever", set_wait},
	{"--no-wait", NULL, NULL, "give up at once when another build runs", set_no_wait},
	{"--allow-undo", "BUILD", "SAFE_REBUILD_ALLOW_UNDO",
		"go on although this takes BUILD's work away", set_allow_undo},
	{"--settings", "FILE", "SAFE_REBUILD_SETTINGS",
		"instead of /etc/safe-rebuild.ini", set_settings},
};

/* Index of the option that word names, with or without "=value"; -1 where it is not ours.
 */
static int find_spec(const char *word)
{
	size_t len = strcspn(word, "=");

	for (size_t i = 0; i < ARRAY_LEN(specs); i++)
		if (strlen(specs[i].name) == len &&
			strncmp(specs[i].name, word, len) == 0)
			return (int)i;
	return -1;
}

/* Takes the option at words[at]; returns how many words that were, -1 on error. */
static int take_one(
	struct own_options *options, const struct strv *words, size_t at, size_t spec)
{
	const char *equals = strchr(words->words[at], '=');
	const char *value = equals ? equals + 1 : NULL;
	int taken = 1;

	if (!specs[spec].value && value)
		return error("%s takes no value", specs[spec].name);
	if (specs[spec].value && !value) {
		if (at + 1 >= words->len)
			return error("%s wants %s", specs[spec].name, specs[spec].value);
		value = words->words[at + 1];
		taken = 2;
	}
	if (specs[spec].value && !*value)
		return error("%s wants %s, not an empty word", specs[spec].name,
			specs[spec].value);
	return specs[spec].set(options, specs[spec].name, value) < 0 ? -1 : taken;
}

int own_options_take(struct own_options *ret, struct strv *words)
{
	struct strv rest = {0};
	bool all_theirs = false;

	*ret = (struct own_options){.wait_ms = -1};
	for (size_t i = 0; i < words->len;) {
		int spec = all_theirs ? -1 : find_spec(words->words[i]);
		int taken;

		if (spec < 0) {
			all_theirs = all_theirs || streq(words->words[i], "--");
			strv_add(&rest, words->words[i++]);
			continue;
		}
		taken = take_one(ret, words, i, (size_t)spec);
		if (taken < 0) {
			strv_free(&rest);
			return -1;
		}
		i += (size_t)taken;
	}
	strv_free(words);
	*words = rest;
	ret->agent_is_option = ret->agent != NULL;
	return 0;
}

int own_options_from_environment(struct own_options *options)
{
	struct own_options given = *options;

	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		_cleanup_free_ char *value = NULL;

		if (!specs[i].variable)
			continue;
		if ((specs[i].set == set_agent && given.agent) ||
			(specs[i].set == set_message && given.message) ||
			(specs[i].set == set_settings && given.settings) ||
			(specs[i].set == set_wait && given.wait_ms >= 0) ||
			(specs[i].set == set_allow_undo && given.allow_undo))
			continue;
		/* An ancestor must not choose root's settings where sudo filtered it out.
		 */
		if (specs[i].set == set_settings)
			value = getenv(specs[i].variable)
					? xstrdup(getenv(specs[i].variable))
					: NULL;
		else
			value = caller_variable(specs[i].variable);
		if (value && *value &&
			specs[i].set(options, specs[i].variable, value) < 0)
			return -1;
	}
	return 0;
}

void own_options_free(struct own_options *options)
{
	free(options->agent);
	free(options->message);
	free(options->settings);
	free(options->allow_undo);
}

void own_options_print_help(void)
{
	for (size_t i = 0; i < ARRAY_LEN(specs); i++)
		printf("  %s%s%-*s %s\n", specs[i].name, specs[i].value ? " " : "",
			(int)(23 - strlen(specs[i].name) - (specs[i].value ? 1 : 0)),
			specs[i].value ? specs[i].value : "", specs[i].help);
}
