#include "base/message.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <syslog.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

static char *last_error;
static size_t bytes;
static bool in_place; /* the terminal's last line is to be replaced */

static void to_stderr(const char *line, size_t len, void *data)
{
	static const char clear_line[] = "\r\033[K";

	(void)data;
	if (in_place)
		(void)write_all(STDERR_FILENO, clear_line, strlen(clear_line));
	in_place = false;
	bytes += len;
	(void)write_all(STDERR_FILENO, line, len);
}

static void (*line_sink)(const char *line, size_t len, void *data) = to_stderr;
static void *line_sink_data;

void message_redirect(void (*sink)(const char *line, size_t len, void *data), void *data)
{
	line_sink = sink;
	line_sink_data = data;
}

/* The last line of them, without its prefix. */
static void keep_last(const char *lines)
{
	static const char prefix[] = "safe-rebuild: ";
	const char *end = lines + strlen(lines), *start;

	if (end > lines && end[-1] == '\n')
		end--;
	for (start = end; start > lines && start[-1] != '\n';)
		start--;
	if (starts_with(start, prefix))
		start += strlen(prefix);
	set_string(&last_error, xstrndup(start, (size_t)(end - start)));
}

void message_pass_on(const char *lines)
{
	keep_last(lines);
	line_sink(lines, strlen(lines), line_sink_data);
}

static _printf_(1, 0) char *format_clean(const char *format, va_list arguments)
{
	_cleanup_free_ char *raw = xvasprintf(format, arguments);

	return text_clean(raw, strlen(raw));
}

enum kind { SAID, WARNED, FAILED };

size_t message_bytes(void)
{
	return bytes;
}

const char *message_last_error(void)
{
	return last_error;
}

static _printf_(2, 0) void put(enum kind kind, const char *format, va_list arguments)
{
	_cleanup_free_ char *text = format_clean(format, arguments);
	_cleanup_free_ char *line = xasprintf(
		"safe-rebuild: %s%s\n", kind == WARNED ? "warning: " : "", text);

	line_sink(line, strlen(line), line_sink_data);
	if (kind == FAILED)
		set_string(&last_error, TAKE_PTR(text));
}

#define PUT(kind)                              \
	do {                                   \
		va_list arguments_;            \
		int saved_errno_ = errno;      \
		va_start(arguments_, format);  \
		put(kind, format, arguments_); \
		va_end(arguments_);            \
		errno = saved_errno_;          \
	} while (0)

#define FORMAT_CLEAN(clean)                                 \
	do {                                                \
		va_list arguments_;                         \
		va_start(arguments_, format);               \
		(clean) = format_clean(format, arguments_); \
		va_end(arguments_);                         \
	} while (0)

int error(const char *format, ...)
{
	PUT(FAILED);
	return -1;
}

int fail(int status, const char *format, ...)
{
	PUT(FAILED);
	return status;
}

void warn(const char *format, ...)
{
	PUT(WARNED);
}

void say(const char *format, ...)
{
	PUT(SAID);
}

void answer(const char *format, ...)
{
	_cleanup_free_ char *clean = NULL;

	FORMAT_CLEAN(clean);
	puts(clean);
}

/* A line that wraps could not be replaced: what is too wide for the terminal is cut. */
static size_t fitting_length(const char *line)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < 2)
		return strlen(line);
	return text_cut(line, size.ws_col - 1U);
}

void say_in_place(const char *format, ...)
{
	_cleanup_free_ char *clean = NULL, *line = NULL;

	FORMAT_CLEAN(clean);
	line = xasprintf("safe-rebuild: %s", clean);
	to_stderr(line, fitting_length(line), NULL);
	in_place = true;
}

static void put_in_syslog(int priority, const char *clean)
{
	openlog("safe-rebuild", LOG_PID, LOG_AUTHPRIV);
	syslog(priority, "%s", clean);
	closelog();
}

void log_to_syslog(const char *format, ...)
{
	_cleanup_free_ char *clean = NULL;

	FORMAT_CLEAN(clean);
	put_in_syslog(LOG_NOTICE, clean);
}

void warn_and_log(const char *format, ...)
{
	_cleanup_free_ char *clean = NULL;

	FORMAT_CLEAN(clean);
	warn("%s", clean);
	put_in_syslog(LOG_WARNING, clean);
}
