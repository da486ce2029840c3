#pragma once
/*
 * Builds as a table with colours, for a person at a terminal. Never for an agent, without
 * colours where NO_COLOR is set (no-color.org) or the terminal has none.
 */
#include "caller/own_options.h"
#include "record/record.h"

struct table {
	bool colour;
	size_t width; /* of the terminal */
};

/* Whether stdout is a person's terminal; prepares *ret. */
bool table_is_wanted(struct table *ret, const struct own_options *options);
void table_print_head(const struct table *table);
void table_print_build(const struct table *table, const struct record *build);
