#pragma once
/*
 * Allocation that cannot fail: running out of memory ends the process with status 125.
 * What is returned belongs to the caller and is released with free().
 */
#include <stdarg.h>
#include <stddef.h>

#include "base/macro.h"

void *xcalloc(size_t count, size_t size) _must_check_;
void *xreallocarray(void *old, size_t count, size_t size) _must_check_;
char *xstrdup(const char *text) _must_check_; /* NULL stays NULL */
char *xstrndup(const char *text, size_t len) _must_check_;
char *xasprintf(const char *format, ...) _must_check_ _printf_(1, 2);
char *xvasprintf(const char *format, va_list arguments) _must_check_ _printf_(1, 0);

/* Replaces the string that *owner owns. */
void set_string(char **owner, char *value);

/*
 * Makes room for one more element after the first len. A list that only grows by
 * this needs no field for its room: it doubles when len is a power of two.
 */
void *xgrow(void *list, size_t len, size_t size) _must_check_;

/* Adds one element and returns its address; its content is undefined. */
#define list_add(list, len)                                     \
	({                                                      \
		(list) = xgrow((list), (len), sizeof(*(list))); \
		&(list)[(len)++];                               \
	})

/* Turns the list round. */
#define list_reverse(list, len)                             \
	for (size_t at_ = 0; at_ < (len) / 2; at_++) {      \
		__typeof__(*(list)) swapped_ = (list)[at_]; \
		(list)[at_] = (list)[(len)-1 - at_];        \
		(list)[(len)-1 - at_] = swapped_;           \
	}
