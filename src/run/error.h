#pragma once
/*
 * The error in what Nix prints on stderr, as it has for years: a line "error: TEXT" and
 * lines "at PATH:LINE:COLUMN:", of which the first after it is the place itself and
 * others are the way there. Paths of flakes lie in the store, as
 * /nix/store/HASH-source/PATH, or stand behind their URL, as
 * «git+file:///etc/nixos»/PATH.
 */
#include "base/macro.h"

#define ERROR_PLACES 32

struct error_place {
	char path[512];
	unsigned line;
};

struct error_reader {
	char text[200]; /* "" without an error */
	bool expects_place;
	struct error_place place; /* of the error; line 0: none */
	struct error_place
		others[ERROR_PLACES]; /* a ring, the newest at others_len - 1 */
	unsigned others_len;          /* may be more than there is room for */
};

void error_read_line(struct error_reader *reader, const char *line);
