#pragma once
/*
 * In which phase nixos-rebuild is, read off its stderr: what Nix and
 * switch-to-configuration have printed for years. The phase only informs those who wait.
 */
#include <stddef.h>
#include <time.h>

#include "run/error.h"

enum phase {
	PHASE_EVALUATING,
	PHASE_BUILDING,
	PHASE_ACTIVATING,
};

struct phase_reader {
	enum phase phase;
	time_t lock_file_written; /* when Nix said that it writes flake.lock; 0: not */
	struct error_reader error;
	char line[1024]; /* what there is of the current line */
	size_t len;
};

/* Reads on; true where the phase is another one now. */
bool phase_read(struct phase_reader *reader, const char *data, size_t len);
const char *phase_name(enum phase phase);
