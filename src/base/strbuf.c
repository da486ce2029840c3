#include "base/strbuf.h"

#include <stdarg.h>

#include "base/memory.h"

char strbuf_nothing[1];

void strbuf_add(struct strbuf *buf, const void *data, size_t len)
{
	if (buf->len + len >= buf->room) {
		size_t room = buf->room ? buf->room * 2 : 64;

		if (room <= buf->len + len)
			room = buf->len + len + 1;
		buf->text = xreallocarray(buf->room ? buf->text : NULL, room, 1);
		buf->room = room;
	}
	if (len)
		memcpy(buf->text + buf->len, data, len);
	buf->len += len;
	buf->text[buf->len] = '\0';
}

void strbuf_puts(struct strbuf *buf, const char *text)
{
	strbuf_add(buf, text, strlen(text));
}

void strbuf_putc(struct strbuf *buf, char character)
{
	strbuf_add(buf, &character, 1);
}

void strbuf_printf(struct strbuf *buf, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	text = xvasprintf(format, arguments);
	va_end(arguments);
	strbuf_puts(buf, text);
}

void strbuf_put_owned(struct strbuf *buf, const char *before, char *owned)
{
	strbuf_puts(buf, before);
	strbuf_puts(buf, owned);
	free(owned);
}

void strbuf_drop(struct strbuf *buf, size_t len)
{
	if (!len)
		return;
	buf->len -= len;
	memmove(buf->text, buf->text + len, buf->len + 1);
}

char *strbuf_take(struct strbuf *buf)
{
	char *text = buf->room ? buf->text : xstrdup("");

	*buf = (struct strbuf)STRBUF_INIT;
	return text;
}

void strbuf_free(struct strbuf *buf)
{
	if (buf->room)
		free(buf->text);
	*buf = (struct strbuf)STRBUF_INIT;
}
