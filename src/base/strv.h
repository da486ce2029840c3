#pragma once
/* A growing list of strings that it owns; words is always NULL-terminated once used. */
#include <stddef.h>

#include "base/macro.h"

struct strv {
	char **words;
	size_t len;
};

void strv_take(struct strv *list, char *word); /* owns word from now on */
void strv_add(struct strv *list, const char *word);
void strv_add_all(struct strv *list, char *const *words); /* NULL-terminated */
/* Up to the first that is NULL. */
#define strv_add_words(list, ...) strv_add_several(list, __VA_ARGS__, NULL)
void strv_add_several(struct strv *list, ...) __attribute__((sentinel));
void strv_add_once(struct strv *list, const char *word); /* if it is not in it */
bool strv_has(const struct strv *list, const char *word);
/* All words, joined by the separator. The caller frees. */
char *strv_join(const struct strv *list, const char *separator) _must_check_;

/* Splits a text such as "43,44" (NULL: none); leaves out empty words and repetitions. */
struct strv strv_split(const char *text, const char *separators) _must_check_;

/* What stands between the slashes of a path, all of it: "a//../.." has five. */
struct strv strv_components(const char *path) _must_check_;

void strv_sort(struct strv *list);
void strv_free(struct strv *list);

#define _cleanup_strv_ _cleanup_(strv_free)
