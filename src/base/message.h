#pragma once
/*
 * What safe-rebuild says: one line each, on stderr, begun with "safe-rebuild: ", written
 * by a single write(2). Whatever stands in a line is cleaned by text_clean() first, so
 * that foreign text (paths, subjects, messages) can neither drive a terminal nor forge a
 * line.
 *
 * A function that fails reports once, where the subject is known, and returns -1
 * ("return error(...)"); its callers pass the -1 on in silence. Wording: lower case,
 * problem first, subject in single quotes, cause last, no full stop.
 */
#include <stddef.h>

#include "base/macro.h"

/* Exit statuses of our own; 64 to 78 as in sysexits.h, 125 and up as in env(1). */
enum {
	EXIT_USAGE = 64,
	EXIT_REFUSED = 65,
	EXIT_TAKEN_BACK = 70,
	EXIT_BUSY = 75,
	EXIT_NO_PERMISSION = 77,
	EXIT_SETTINGS = 78,
	EXIT_OUTPUT_LOST = 120,
	EXIT_OWN_FAILURE = 125,
	EXIT_CANNOT_RUN = 126,
	EXIT_NOT_FOUND = 127,
	EXIT_SIGNAL_BASE = 128,
};

int error(const char *format, ...) _printf_(1, 2);
/* The same for functions that return an exit status: "return fail(EXIT_USAGE, ...)". */
int fail(int status, const char *format, ...) _printf_(2, 3);
void warn(const char *format, ...) _printf_(1, 2);
void say(const char *format, ...) _printf_(1, 2);

/* With the cause, as errno names it. */
#define error_errno(format, ...) error(format ": %m", ##__VA_ARGS__)
#define fail_errno(status, format, ...) fail(status, format ": %m", ##__VA_ARGS__)
#define warn_errno(format, ...) warn(format ": %m", ##__VA_ARGS__)

/* A line of a command's answer, on stdout: cleaned likewise, without the prefix. */
void answer(const char *format, ...) _printf_(1, 2);

/*
 * A line that the next line of any kind replaces. Only if stderr is a terminal.
 */
void say_in_place(const char *format, ...) _printf_(1, 2);

/* To syslog only: events that are not builds. */
void log_to_syslog(const char *format, ...) _printf_(1, 2);
/* To stderr and syslog: what should have been recorded and could not be. */
void warn_and_log(const char *format, ...) _printf_(1, 2);

/* How many bytes have gone to stderr. */
size_t message_bytes(void);

/* What error() or error_errno() said last, without the prefix; NULL: nothing yet. */
const char *message_last_error(void);

/* Prints lines that another process has made with the functions above. */
void message_pass_on(const char *lines);

/* From now on lines go to sink instead of stderr; each ends with a newline. */
void message_redirect(void (*sink)(const char *line, size_t len, void *data), void *data);
