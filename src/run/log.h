#pragma once
/* The logs of builds: [paths] log / N.log, of which the newest [log] keep are kept. */
#include <stddef.h>
#include <stdint.h>

#include "settings/sharing.h"

char *log_path(const struct settings *settings, uint64_t number) _must_check_;

/* -1 with errno set. log_create() does it for those who may. */
int log_make_directory(const struct settings *settings);

/* Makes the log of build number and removes those that are too old. -1 (printed) on
 * error. */
int log_create(const struct settings *settings, uint64_t number) _must_check_;

/*
 * Replaces a log of terminal output by what the terminal showed in the end. Whoever has
 * the old file open can read on in it.
 */
void log_make_readable(const char *path);

/* The log's whole text with a NUL behind it, -1 with errno set. The caller frees. */
int log_read(char **ret, size_t *ret_len, const char *path) _must_check_;
