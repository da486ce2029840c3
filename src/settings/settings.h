#pragma once
/*
 * /etc/safe-rebuild.ini, see safe-rebuild.ini(5). Read with inih, whose stock builds cut
 * lines at 200 bytes and fold indented lines into the key before; both are refused here,
 * so that what the file says is what happens. An unknown section or key, a bad value, a
 * key given twice (lists may be), or a file that others can write is an error, reported
 * as "path:line: [section] key: reason".
 *
 * A missing default file means the defaults; a missing file that was asked for is an
 * error.
 */
#include <stdint.h>
#include <sys/types.h>

#include "base/strv.h"

#define SETTINGS_DEFAULT_PATH "/etc/safe-rebuild.ini"

enum undo_policy { UNDO_REFUSE, UNDO_WARN, UNDO_OFF };
enum show_changes { SHOW_STAT, SHOW_PATCH, SHOW_NAMES };
enum show_output { OUTPUT_AUTO, OUTPUT_ALL, OUTPUT_BRIEF };

struct settings {
	char *rebuild_command;
	int64_t queue_wait_ms; /* FOREVER_MS: as long as it takes */
	bool queue_builds;
	enum undo_policy guard_undo;
	struct strv guard_ignore; /* glob patterns */
	enum show_changes show_changes;
	unsigned show_lines;
	enum show_output show_output;
	/* Commands, argv; empty: none. */
	struct strv show_packages, health_check, notify_command;
	int64_t health_timeout_ms; /* of the check, and for jobs to end */
	bool health_units;
	struct strv health_ignore; /* glob patterns of units */
	unsigned log_keep;         /* number of logs */
	char *access_group;        /* NULL: wheel where that exists, else root */
	char *access_user;         /* owner of the shared files */
	char *run_path, *state_path, *log_path, *profiles_path, *current_system_path;
	char *activation_lock_path, *system_slice_path; /* of NixOS */
};

/* path NULL: the default file. Prints and returns -1 where the file is wrong. */
int settings_read(struct settings *ret, const char *path) _must_check_;
void settings_free(struct settings *settings);
#define _cleanup_settings_ _cleanup_(settings_free)
