#pragma once
/* The build that changes are compared with, in words. */
#include "changes/changes.h"

/* "since your build 42 (5 min ago)". The caller frees. */
char *base_describe(const struct changes *changes) _must_check_;

/* Adds that it is not what runs, if it is the caller's own and never was: nothing new to
 * build does not mean that it runs. */
void base_put_not_live(struct strbuf *out, const struct changes *changes);
