#include "base/options.h"

#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"

int option_set_flag(void *member, const char *name, const char *value)
{
	(void)name;
	(void)value;
	*(bool *)member = true;
	return 0;
}

int option_set_text(void *member, const char *name, const char *value)
{
	(void)name;
	set_string(member, xstrdup(value));
	return 0;
}

int option_set_number(void *member, const char *name, const char *value)
{
	uint64_t number;

	if (!text_to_number(value, 1000000, &number))
		return error("%s: '%s' is not a number", name, value);
	*(unsigned *)member = (unsigned)number;
	return 0;
}

static bool is_letter(const char *name)
{
	return name[1] != '-';
}

/* The option that word names, with or without a value behind it; NULL: none of ours. */
static const struct option *find(
	const struct option *options, size_t len, const char *word)
{
	for (size_t i = 0; i < len; i++) {
		const char *name = options[i].name;
		const size_t name_len = strlen(name);

		if (strncmp(word, name, name_len) == 0 &&
			(!word[name_len] || word[name_len] == '=' || is_letter(name)))
			return &options[i];
	}
	return NULL;
}

/* What is attached to the option in its own word; NULL: nothing. */
static const char *attached_value(const struct option *option, const char *word)
{
	const char *rest = word + strlen(option->name);

	if (!*rest)
		return NULL;
	return *rest == '=' ? rest + 1 : rest;
}

/* Takes the option at words[at]; returns how many words that were, -1 on error. */
static int take(
	void *ret, const struct option *option, const struct strv *words, size_t at)
{
	const char *value = attached_value(option, words->words[at]);
	int taken = 1;

	if (!option->value && value)
		return error("%s takes no value", option->name);
	if (option->value && !value) {
		if (at + 1 >= words->len)
			return error("%s wants %s", option->name, option->value);
		value = words->words[at + 1];
		taken = 2;
	}
	if (option->value && !*value)
		return error(
			"%s wants %s, not an empty word", option->name, option->value);
	return option->set((char *)ret + option->offset, option->name, value) < 0 ? -1
										  : taken;
}

int options_take(void *ret, const struct option *options, size_t len, struct strv *words,
	bool *given)
{
	_cleanup_strv_ struct strv rest = {0};
	bool all_theirs = false;

	for (size_t i = 0; i < words->len;) {
		const struct option *option =
			all_theirs ? NULL : find(options, len, words->words[i]);
		int taken;

		if (!option) {
			all_theirs = all_theirs || streq(words->words[i], "--");
			strv_add(&rest, words->words[i++]);
			continue;
		}
		taken = take(ret, option, words, i);
		if (taken < 0)
			return -1;
		if (given)
			given[option - options] = true;
		i += (size_t)taken;
	}
	strv_free(words);
	*words = rest;
	rest = (struct strv){0};
	return 0;
}
