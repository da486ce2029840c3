#pragma once
/*
 * The options that stand before or after nixos-rebuild's action or a command of ours: all
 * long, and none clashes with one of nixos-rebuild's. Each may come from a variable as
 * well (--no-wait is SAFE_REBUILD_WAIT=0), which the option overrides.
 */
#include <stdint.h>

#include "base/options.h"

struct own_options {
	char *agent;          /* NULL: not given */
	bool agent_is_option; /* and not a variable */
	char *message;
	char *settings;
	int64_t wait_ms;    /* -1: not given */
	int64_t confirm_ms; /* 0: not given */
	bool confirm_is_option;
	char *settings_words; /* "--settings FILE ", "": for other commands of ours */
	char *words; /* the options of the command line again, without the next two */
	char *allow_undo, *allow_redo; /* "43,gen:142": numbers, gen:N, store paths */
};

/*
 * Moves what is ours from words to *ret, and fills the rest from the variables. words
 * NULL: from the variables alone. Prints and returns -1 where something is wrong.
 */
int own_options_read(struct own_options *ret, struct strv *words) _must_check_;
void own_options_free(struct own_options *options);
#define _cleanup_own_options_ _cleanup_(own_options_free)

/* The part of --help about them. */
void own_options_print_help(void);
