#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#include "base/message.h"

static _noreturn_ void die_of_memory(void)
{
	static const char text[] = "safe-rebuild: out of memory\n";
	ssize_t written = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)written;
	_exit(EXIT_OWN_FAILURE);
}

void *xcalloc(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size ? size : 1);

	if (!memory)
		die_of_memory();
	return memory;
}

void *xreallocarray(void *old, size_t count, size_t size)
{
	void *memory = reallocarray(old, count ? count : 1, size ? size : 1);

	if (!memory)
		die_of_memory();
	return memory;
}

char *xstrdup(const char *text)
{
	return text ? xstrndup(text, strlen(text)) : NULL;
}

char *xstrndup(const char *text, size_t len)
{
	char *copy = strndup(text, len);

	if (!copy)
		die_of_memory();
	return copy;
}

char *xvasprintf(const char *format, va_list arguments)
{
	char *text = NULL;

	if (vasprintf(&text, format, arguments) < 0)
		die_of_memory();
	return text;
}

char *xasprintf(const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	text = xvasprintf(format, arguments);
	va_end(arguments);
	return text;
}

void set_string(char **owner, char *value)
{
	free(*owner);
	*owner = value;
}

void *xgrow(void *list, size_t len, size_t size)
{
	if (len & (len - 1))
		return list;
	return xreallocarray(list, len ? len * 2 : 1, size);
}
