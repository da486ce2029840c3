#pragma once
/*
 * A growing string of any bytes. text is never NULL and always ends in a NUL (not counted
 * in len), so it can be read at any time; it is valid until the next call.
 */
#include <stddef.h>

#include "base/macro.h"

struct strbuf {
	char *text;
	size_t len, room;
};

extern char strbuf_nothing[];
#define STRBUF_INIT                    \
	{                              \
		.text = strbuf_nothing \
	}

void strbuf_add(struct strbuf *buf, const void *data, size_t len);
void strbuf_puts(struct strbuf *buf, const char *text);
void strbuf_putc(struct strbuf *buf, char character);
void strbuf_printf(struct strbuf *buf, const char *format, ...) _printf_(2, 3);
/* Adds both and frees the second. */
void strbuf_put_owned(struct strbuf *buf, const char *before, char *owned);

/* Removes the first len bytes. */
void strbuf_drop(struct strbuf *buf, size_t len);

/* Hands the string over and leaves buf empty. The caller frees. */
char *strbuf_take(struct strbuf *buf) _must_check_;
void strbuf_free(struct strbuf *buf);
#define _cleanup_strbuf_ _cleanup_(strbuf_free)
