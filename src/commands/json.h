#pragma once
/*
 * The machine-readable form of what own commands answer. Names are the record's keys in
 * lower case with underscores; what is counted is a number, durations are in seconds,
 * times ISO 8601 with offset, and lists arrays. Every answer is one object that carries
 * "schema": 1. jansson builds and prints it.
 */
#include <jansson.h>

#include "changes/changes.h"

json_t *json_answer(void) _must_check_; /* a new object with its schema */
json_t *json_build(const struct build *build) _must_check_;
json_t *json_path_change(const struct path_change *change) _must_check_;
/* Any bytes: what is no valid text is shown as text_clean() does. */
json_t *json_text(const char *text) _must_check_;

/* Prints the answer (owned) and returns the exit status of the command. */
int json_print(json_t *answer);

/* {"schema": 1, "error": "...", "exit_status": 125}: what was said on stderr last. */
void json_print_error(int status);
