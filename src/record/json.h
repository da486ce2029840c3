#pragma once
/*
 * The machine-readable form of what is recorded. Names are the record's keys in lower
 * case with underscores; what is counted is a number, durations are in seconds, times ISO
 * 8601 with offset, and lists arrays. Every answer is one object that carries "schema":
 * 1. jansson builds and prints it.
 */
#include <jansson.h>

#include "base/strv.h"
#include "record/build.h"

json_t *json_answer(void) _must_check_; /* a new object with its schema */
/* All that is recorded; json_build() leaves out what only show prints. */
json_t *json_record(const struct build *build) _must_check_;
json_t *json_build(const struct build *build) _must_check_;
/* Takes any bytes: invalid text is escaped as by text_clean(). */
json_t *json_text(const char *text) _must_check_;
json_t *json_words(const struct strv *words) _must_check_;
