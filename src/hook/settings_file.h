#pragma once
/*
 * A file of settings that an agent reads and a user owns: read as it stands, formatted as
 * it was, and replaced as a whole or not at all.
 */
#include <jansson.h>
#include <sys/types.h>

#include "base/macro.h"

/* The file's text, "" if there is no file; NULL (printed) on error, as for a link. The
 * caller frees. */
char *settings_file_read(const char *path) _must_check_;

/* The settings with the old text's indentation and ends of lines, and a final newline if
 * that had one. The caller frees. */
char *settings_file_format(const json_t *settings, const char *text) _must_check_;

/* Its owner stays; a new file, and directories that have to be made, belong to the owner
 * of what they lie in. mask: the umask for such directories. Prints and returns -1 on
 * error. */
int settings_file_write(const char *path, const char *text, mode_t mask) _must_check_;

/* Also removes its directory, if that is empty then. */
int settings_file_remove(const char *path) _must_check_;
