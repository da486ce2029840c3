#pragma once
/*
 * Allocation that cannot fail: running out of memory ends the process with status 125.
 * What is returned belongs to the caller and is released with free().
 */
#include <stddef.h>

#include "base/macro.h"

void *xcalloc(size_t count, size_t size) _must_check_;
void *xreallocarray(void *old, size_t count, size_t size) _must_check_;
char *xstrdup(const char *text) _must_check_;
char *xstrndup(const char *text, size_t len) _must_check_;
char *xasprintf(const char *format, ...) _must_check_ _printf_(1, 2);

/* Replaces the string that *owner owns. */
void set_string(char **owner, char *value);

/* A memory stream (open_memstream(3)); after fclose *text holds what was written. */
FILE *text_stream(char **text, size_t *len) _must_check_;
