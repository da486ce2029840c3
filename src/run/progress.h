#pragma once
/*
 * What nixos-rebuild's stderr tells: in which phase it is, and the error that Nix
 * reports.
 *
 * Phases come from lines that Nix and switch-to-configuration have printed for years, and
 * only inform those who wait. An error is a line "error: TEXT" with lines "at
 * PATH:LINE:COLUMN:": the first after it is the place itself, the others lead there.
 * Paths of flakes are in the store, as /nix/store/HASH-source/PATH, or follow their URL,
 * as «git+file:///etc/nixos»/PATH.
 */
#include <stddef.h>

#include "record/build.h"

#define ERROR_PLACES 32

struct error_place {
	char path[512];
	unsigned line;
};

struct nix_error {
	char text[200]; /* "" without an error */
	bool expects_place;
	struct error_place place; /* of the error; line 0: none */
	struct error_place
		others[ERROR_PLACES]; /* a ring, the newest at others_len - 1 */
	unsigned others_len;          /* may be more than there is room for */
};

struct progress {
	enum phase phase;         /* from PHASE_EVALUATING on */
	time_t lock_file_written; /* when Nix said that it writes flake.lock; 0: not */
	bool activation_begun;    /* units were stopped, /etc or the activation script */
	bool boot_loader_failed;
	struct nix_error error;
	char line[1024]; /* what there is of the current line */
	size_t len;
};

#define PROGRESS_INIT                      \
	{                                  \
		.phase = PHASE_EVALUATING, \
	}

/* Reads on; true where the phase is another one now. */
bool progress_read(struct progress *progress, const char *data, size_t len);
