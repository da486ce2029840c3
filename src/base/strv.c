#include "base/strv.h"

#include <stdarg.h>

#include "base/memory.h"
#include "base/strbuf.h"

void strv_take(struct strv *list, char *word)
{
	list->words = xreallocarray(list->words, list->len + 2, sizeof(*list->words));
	list->words[list->len++] = word;
	list->words[list->len] = NULL;
}

void strv_add(struct strv *list, const char *word)
{
	strv_take(list, xstrdup(word));
}

void strv_add_all(struct strv *list, char *const *words)
{
	for (; words && *words; words++)
		strv_add(list, *words);
}

void strv_add_several(struct strv *list, ...)
{
	const char *word;
	va_list words;

	va_start(words, list);
	while ((word = va_arg(words, const char *)))
		strv_add(list, word);
	va_end(words);
}

void strv_free(struct strv *list)
{
	for (size_t i = 0; i < list->len; i++)
		free(list->words[i]);
	free(list->words);
	*list = (struct strv){0};
}

static int compare_words(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct strv strv_split(const char *text, const char *separators)
{
	struct strv list = {0};
	_cleanup_free_ char *copy = xstrdup(text ? text : "");
	char *rest = NULL;

	for (const char *word = strtok_r(copy, separators, &rest); word;
		word = strtok_r(NULL, separators, &rest))
		strv_add_once(&list, word);
	return list;
}

struct strv strv_components(const char *path)
{
	struct strv list = {0};

	for (;;) {
		const size_t len = strcspn(path, "/");

		strv_take(&list, xstrndup(path, len));
		if (!path[len])
			return list;
		path += len + 1;
	}
}

void strv_sort(struct strv *list)
{
	if (list->len)
		qsort(list->words, list->len, sizeof(*list->words), compare_words);
}

char *strv_join(const struct strv *list, const char *separator)
{
	struct strbuf out = STRBUF_INIT;

	for (size_t i = 0; i < list->len; i++)
		strbuf_printf(&out, "%s%s", i ? separator : "", list->words[i]);
	return strbuf_take(&out);
}

void strv_add_once(struct strv *list, const char *word)
{
	if (!strv_has(list, word))
		strv_add(list, word);
}

bool strv_has(const struct strv *list, const char *word)
{
	/* What was added last is the likeliest. */
	for (size_t i = list->len; i-- > 0;)
		if (streq(list->words[i], word))
			return true;
	return false;
}
