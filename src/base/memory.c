#include "base/memory.h"

#include <stdarg.h>
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
	return xstrndup(text, strlen(text));
}

char *xstrndup(const char *text, size_t len)
{
	char *copy = strndup(text, len);

	if (!copy)
		die_of_memory();
	return copy;
}

char *xasprintf(const char *format, ...)
{
	char *text = NULL;
	va_list arguments;
	int len;

	va_start(arguments, format);
	len = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (len < 0)
		die_of_memory();
	return text;
}

void set_string(char **owner, char *value)
{
	free(*owner);
	*owner = value;
}

FILE *text_stream(char **text, size_t *len)
{
	FILE *stream = open_memstream(text, len);

	if (!stream)
		die_of_memory();
	return stream;
}
