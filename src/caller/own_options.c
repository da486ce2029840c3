#include "caller/own_options.h"

#include <inttypes.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "caller/caller.h"

/* Nobody confirms later than that. */
#define CONFIRM_MAX_MS (24 * 3600 * (int64_t)1000)

static int set_wait(void *member, const char *name, const char *value)
{
	if (!clock_parse_duration(value, member))
		return error("%s: '%s' is not a duration: 0, 90s, 10m, 2h or forever",
			name, value);
	return 0;
}

static int set_confirm(void *member, const char *name, const char *value)
{
	int64_t *ms = member;

	if (!clock_parse_duration(value, ms) || *ms < 1000 || *ms > CONFIRM_MAX_MS)
		return error("%s: '%s' is not a duration from 1s to 24h, such as 2m",
			name, value);
	return 0;
}

static int set_no_wait(void *member, const char *name, const char *value)
{
	(void)name;
	(void)value;
	*(int64_t *)member = 0;
	return 0;
}

/* A build's number, or what names a system that was made outside safe-rebuild. */
static bool names_build(const char *word)
{
	const char *digits = starts_with(word, "gen:") ? word + strlen("gen:") : word;
	uint64_t number = 0;

	return *word == '/' || (text_to_number(digits, UINT32_MAX, &number) && number);
}

static int set_builds(void *member, const char *name, const char *value)
{
	_cleanup_strv_ struct strv words = strv_split(value, ",");

	for (size_t i = 0; i < words.len; i++)
		if (!names_build(words.words[i]))
			return error(
				"%s: '%s' is no build number (43), generation (gen:12) or store path",
				name, words.words[i]);
	return option_set_text(member, name, value);
}

#define AT(member) offsetof(struct own_options, member)

static const struct option options[] = {
	{"--agent", "NAME", "SAFE_REBUILD_AGENT", "who I am; else detected",
		option_set_text, AT(agent)},
	{"--message", "TEXT", "SAFE_REBUILD_MESSAGE", "why: shown to others and recorded",
		option_set_text, AT(message)},
	{"--wait", "DURATION", "SAFE_REBUILD_WAIT",
		"how long to queue: 90s, 10m, forever", set_wait, AT(wait_ms)},
	{"--no-wait", NULL, NULL, "give up at once when another build runs", set_no_wait,
		AT(wait_ms)},
	{"--allow-undo", "BUILDS", "SAFE_REBUILD_ALLOW_UNDO",
		"go on although these builds' work goes", set_builds, AT(allow_undo)},
	{"--allow-redo", "BUILDS", "SAFE_REBUILD_ALLOW_REDO",
		"go on although rolled back work comes back", set_builds, AT(allow_redo)},
	{"--confirm", "DURATION", "SAFE_REBUILD_CONFIRM",
		"go back unless confirmed in time", set_confirm, AT(confirm_ms)},
	{"--settings", "FILE", "SAFE_REBUILD_SETTINGS",
		"instead of /etc/safe-rebuild.ini", option_set_text, AT(settings)},
};

/* Whether an option that sets the same member was given. */
static bool is_given(const bool *given, const struct option *option)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (given[i] && options[i].offset == option->offset)
			return true;
	return false;
}

/* An ancestor must not choose root's settings where sudo filtered the variable out. */
static char *value_of(const struct option *option)
{
	if (option->offset != AT(settings))
		return caller_variable(option->variable);
	return xstrdup(getenv(option->variable));
}

static char *settings_words_of(const struct own_options *own)
{
	char option[] = "--settings";
	char *const words[] = {option, own->settings, NULL};
	_cleanup_free_ char *text = own->settings ? text_shell_words(words) : NULL;

	return text ? xasprintf("%s ", text) : xstrdup("");
}

/* The options again as shell words, without --allow-undo and --allow-redo. */
static char *words_of(const struct own_options *own)
{
	_cleanup_strv_ struct strv words = {0};
	_cleanup_free_ char *wait = xasprintf("%" PRIi64 "s", own->wait_ms / 1000);
	_cleanup_free_ char *confirm = xasprintf("%" PRIi64 "s", own->confirm_ms / 1000);

	if (own->agent)
		strv_add_words(&words, "--agent", own->agent);
	if (own->message)
		strv_add_words(&words, "--message", own->message);
	if (own->wait_ms >= 0)
		strv_add_words(
			&words, "--wait", own->wait_ms == FOREVER_MS ? "forever" : wait);
	if (own->confirm_ms)
		strv_add_words(&words, "--confirm", confirm);
	if (own->settings)
		strv_add_words(&words, "--settings", own->settings);
	return words.len ? text_shell_words(words.words) : xstrdup("");
}

int own_options_read(struct own_options *ret, struct strv *words)
{
	bool given[ARRAY_LEN(options)] = {false};
	int result = 0;

	*ret = (struct own_options){.wait_ms = -1};
	if (words && options_take(ret, options, ARRAY_LEN(options), words, given) < 0)
		return -1;
	ret->agent_is_option = ret->agent != NULL;
	ret->confirm_is_option = ret->confirm_ms != 0;
	ret->words = words_of(ret);
	ret->settings_words = settings_words_of(ret);
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		_cleanup_free_ char *value = NULL;

		if (!options[i].variable || is_given(given, &options[i]))
			continue;
		value = value_of(&options[i]);
		if (value && *value &&
			options[i].set((char *)ret + options[i].offset,
				options[i].variable, value) < 0)
			result = -1;
	}
	return result;
}

void own_options_free(struct own_options *own)
{
	free(own->words);
	free(own->settings_words);
	free(own->agent);
	free(own->message);
	free(own->settings);
	free(own->allow_undo);
	free(own->allow_redo);
}

void own_options_print_help(void)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		_cleanup_free_ char *words =
			xasprintf("%s%s%s", options[i].name, options[i].value ? " " : "",
				options[i].value ? options[i].value : "");

		printf("  %-23s %s\n", words, options[i].help);
	}
}
