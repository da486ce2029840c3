#pragma once
/*
 * Cleanup attributes and the few macros that every file needs. A local that owns
 * something carries a cleanup attribute and a value from the start, so that no function
 * needs a goto; TAKE_PTR and TAKE_FD hand ownership on.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define _cleanup_(function) __attribute__((cleanup(function)))
#define _cleanup_free_ _cleanup_(freep)
#define _cleanup_close_ _cleanup_(closep)
#define _cleanup_fclose_ _cleanup_(fclosep)
#define _cleanup_closedir_ _cleanup_(closedirp)
#define _printf_(format_at, arguments_at) \
	__attribute__((format(printf, format_at, arguments_at)))
#define _must_check_ __attribute__((warn_unused_result))
#define _noreturn_ __attribute__((noreturn))

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

#define TAKE_PTR(pointer)                                      \
	({                                                     \
		__typeof__(pointer) *taken_from_ = &(pointer); \
		__typeof__(pointer) taken_ = *taken_from_;     \
		*taken_from_ = NULL;                           \
		taken_;                                        \
	})

#define TAKE_FD(fd)                        \
	({                                 \
		int *taken_from_ = &(fd);  \
		int taken_ = *taken_from_; \
		*taken_from_ = -1;         \
		taken_;                    \
	})

static inline void freep(void *pointer)
{
	free(*(void **)pointer);
}

static inline void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void fclosep(FILE **file)
{
	if (*file)
		fclose(*file);
}

static inline void closedirp(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

static inline bool streq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* The same for texts that may be NULL: then they are not known to be equal. */
static inline bool streq_known(const char *a, const char *b)
{
	return a && b && streq(a, b);
}

/* The entries of readdir(3) for the directory itself and its parent. */
static inline bool is_dot(const char *name)
{
	return streq(name, ".") || streq(name, "..");
}

static inline bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static inline bool ends_with(const char *text, const char *suffix)
{
	size_t text_len = strlen(text), suffix_len = strlen(suffix);

	return text_len >= suffix_len && streq(text + text_len - suffix_len, suffix);
}
