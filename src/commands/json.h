#pragma once
/* What own commands answer, as JSON (see record/json.h). */
#include "changes/changes.h"
#include "record/json.h"

json_t *json_path_change(const struct path_change *change) _must_check_;

/* Prints the answer (owned) and returns the exit status of the command. */
int json_print(json_t *answer);

/* {"schema": 1, "error": "...", "exit_status": 125}: what was said on stderr last. */
void json_print_error(int status);
