#include "queue/pause.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/inotify.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/rights.h"
#include "base/text.h"
#include "record/record.h"

#define PAUSE_MAX ((size_t)64 << 10)
#define MESSAGE_SHOWN 200

static char *pause_path(const struct settings *settings)
{
	return xasprintf("%s/paused", settings->run_path);
}

/* false if there is none or its time is over; *ret_end 0: it has no end. */
static bool read_pause(
	struct record *ret, time_t *ret_end, const struct settings *settings)
{
	_cleanup_free_ char *path = pause_path(settings), *text = NULL;
	const char *until;
	size_t len;

	*ret = (struct record){0};
	*ret_end = 0;
	if (read_file(path, PAUSE_MAX, &text, &len, NULL) < 0)
		return false;
	record_parse(ret, text, len);
	until = record_get(ret, "Until");
	if (!until || !clock_parse_iso8601(until, ret_end) || *ret_end > time(NULL))
		return true;
	record_free(ret);
	*ret = (struct record){0};
	return false;
}

char *pause_describe(const struct settings *settings)
{
	_cleanup_record_ struct record pause = {0};
	_cleanup_free_ char *age = NULL, *left = NULL, *quoted = NULL;
	const char *by, *message, *since;
	time_t start, end;

	if (!read_pause(&pause, &end, settings))
		return NULL;
	by = record_get(&pause, "By");
	message = record_get(&pause, "Message");
	since = record_get(&pause, "Since");
	age = since && clock_parse_iso8601(since, &start) ? clock_age(start) : NULL;
	left = end ? clock_duration(end - time(NULL)) : NULL;
	quoted = message ? text_quote(message, MESSAGE_SHOWN) : NULL;
	return xasprintf("paused by %s %s%s%s%s%s%s", by ? by : "?", age ? age : "",
		left ? ", for " : "", left ? left : "", left ? " more" : "",
		quoted ? ": " : "", quoted ? quoted : "");
}

int pause_set(const struct settings *settings, const char *by, const char *message,
	time_t until)
{
	_cleanup_record_ struct record record = {0};
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	_cleanup_free_ char *path = pause_path(settings);
	_cleanup_free_ char *since = clock_iso8601(time(NULL));
	_cleanup_free_ char *end = until ? clock_iso8601(until) : NULL;

	record_set(&record, "By", by);
	record_set(&record, "Message", message);
	record_set(&record, "Since", since);
	record_set(&record, "Until", end);
	record_put(&out, &record);
	return rights_write_over(path, out.text);
}

void pause_watch(int fd, const struct settings *settings)
{
	(void)inotify_add_watch(fd, settings->run_path, IN_CREATE | IN_MOVED_TO);
}

int pause_end(const struct settings *settings)
{
	_cleanup_free_ char *path = pause_path(settings);

	if (rights_unlink(path) == 0)
		return 1;
	return errno == ENOENT ? 0 : -1;
}
