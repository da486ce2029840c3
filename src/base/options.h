#pragma once
/*
 * Our options on a command line whose other words belong to another program: known ones
 * are taken out, wherever they stand before a "--"; the rest keeps its order. getopt(3)
 * cannot do that: it must know all options. Written "--name value", "--name=value",
 * and, with one letter, also "-nvalue".
 */
#include "base/strv.h"

/* member: what the option sets. -1 (printed): the value is wrong. */
typedef int option_setter(void *member, const char *name, const char *value);

struct option {
	const char *name;     /* "--since", "-n" */
	const char *value;    /* the value's name, for --help; NULL: a flag */
	const char *variable; /* read if the option is not given; NULL: none */
	const char *help;
	option_setter *set;
	size_t offset; /* of the member in what is filled */
};

option_setter option_set_flag;   /* bool */
option_setter option_set_text;   /* char *, owned */
option_setter option_set_number; /* unsigned */

/*
 * Moves the options from words to *ret; given[i] (unless given is NULL) becomes true for
 * those that were there. Prints and returns -1 where one is wrong.
 */
int options_take(void *ret, const struct option *options, size_t len, struct strv *words,
	bool *given) _must_check_;
