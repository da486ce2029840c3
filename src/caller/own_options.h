#pragma once
/*
 * Our own options: all long, all before any "--", each also settable by a variable
 * (except
 * --no-wait, which is SAFE_REBUILD_WAIT=0). They clash with no option of nixos-rebuild
 * and are taken out of the command line wherever they stand; the other words keep their
 * order.
 */
#include <stdint.h>

#include "base/strv.h"

struct own_options {
	char *agent;          /* NULL: not given */
	bool agent_is_option; /* and not a variable */
	char *message;
	char *settings;
	int64_t wait_ms;  /* -1: not given */
	char *allow_undo; /* a build's number, gen:N or a store path */
};

/* Moves what is ours from words to *ret; prints and returns -1 where it is wrong. */
int own_options_take(struct own_options *ret, struct strv *words) _must_check_;
/* Fills what was not given from the variables. */
int own_options_from_environment(struct own_options *options) _must_check_;
void own_options_free(struct own_options *options);
#define _cleanup_own_options_ _cleanup_(own_options_free)

/* The part of --help about them. */
void own_options_print_help(void);
