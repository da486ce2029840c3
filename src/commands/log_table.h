#pragma once
/*
 * The table of `log` on a person's terminal: a row for each build, which is no wider
 * than the terminal, if that has 55 columns. Where it is narrow, remarks stand on a line
 * of their own.
 */
#include "caller/caller.h"
#include "record/build.h"

struct log_table {
	bool in_colour; /* not where NO_COLOR is set (no-color.org) */
	size_t width;   /* of the terminal, in columns */
};

/* False where stdout is no terminal, or an agent's. */
bool log_table_is_wanted(struct log_table *ret, const struct caller *caller);
void log_table_head(const struct log_table *table);
/* remarks: all that has no column of its own, without control characters. */
void log_table_row(const struct log_table *table, const struct build *build,
	enum outcome outcome, const char *remarks);
