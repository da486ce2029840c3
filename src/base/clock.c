#include "base/clock.h"

#include <inttypes.h>

#include "base/memory.h"
#include "base/text.h"

char *clock_iso8601(time_t time)
{
	char text[64];
	struct tm local;
	size_t len;

	localtime_r(&time, &local);
	len = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S%z", &local);
	/* strftime writes +0100, ISO 8601's extended form wants +01:00. */
	return xasprintf("%.*s:%s", (int)(len - 2), text, text + len - 2);
}

bool clock_parse_iso8601(const char *text, time_t *ret)
{
	struct tm local = {0};
	const char *zone = strptime(text, "%Y-%m-%dT%H:%M:%S", &local);
	unsigned hours, minutes;
	char sign;

	if (!zone || sscanf(zone, "%c%2u:%2u", &sign, &hours, &minutes) != 3)
		return false;
	*ret = timegm(&local) - (sign == '-' ? -1 : 1) * (time_t)hours * 3600 -
	       (sign == '-' ? -1 : 1) * (time_t)minutes * 60;
	return true;
}

char *clock_duration(int64_t seconds)
{
	if (seconds < 0)
		seconds = 0;
	if (seconds < 60)
		return xasprintf("%" PRId64 " s", seconds);
	if (seconds < 600 && seconds % 60)
		return xasprintf(
			"%" PRId64 " min %" PRId64 " s", seconds / 60, seconds % 60);
	if (seconds < 3600)
		return xasprintf("%" PRId64 " min", seconds / 60);
	if (seconds < 10 * 3600 && seconds % 3600 >= 60)
		return xasprintf("%" PRId64 " h %" PRId64 " min", seconds / 3600,
			seconds / 60 % 60);
	if (seconds < 48 * 3600)
		return xasprintf("%" PRId64 " h", seconds / 3600);
	return xasprintf("%" PRId64 " days", seconds / 86400);
}

char *clock_age(time_t then)
{
	const time_t seconds = time(NULL) - then;
	_cleanup_free_ char *duration = clock_duration(seconds);

	return seconds < 1 ? xstrdup("just now") : xasprintf("%s ago", duration);
}

bool clock_parse_duration(const char *text, int64_t *ret_ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {
		{"", 1000}, {"s", 1000}, {"m", 60000}, {"min", 60000}, {"h", 3600000}};
	size_t digits = strspn(text, "0123456789");
	_cleanup_free_ char *number = xstrndup(text, digits);
	uint64_t value;

	if (streq(text, "forever")) {
		*ret_ms = FOREVER_MS;
		return true;
	}
	if (!text_to_number(number, 1000000, &value))
		return false;
	if (value && !text[digits])
		return false; /* "90" could mean minutes to one reader and seconds to
				 another */
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (!streq(text + digits, units[i].unit))
			continue;
		*ret_ms = (int64_t)value * units[i].ms;
		return true;
	}
	return false;
}

int64_t clock_boot_ms(void)
{
	return clock_ns(CLOCK_BOOTTIME) / 1000000;
}

int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return clock_nanoseconds(&now);
}

void clock_sleep_ms(int64_t ms)
{
	const struct timespec pause = {ms / 1000, (ms % 1000) * 1000000};

	nanosleep(&pause, NULL);
}

int64_t clock_nanoseconds(const struct timespec *time)
{
	return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

bool clock_parse_when(time_t *ret, const char *text)
{
	struct tm midnight = {.tm_isdst = -1};
	const char *end = strptime(text, "%Y-%m-%d", &midnight);
	int64_t ms;

	if (clock_parse_duration(text, &ms) && ms != FOREVER_MS) {
		*ret = time(NULL) - (time_t)(ms / 1000);
		return true;
	}
	if (!end || *end)
		return clock_parse_iso8601(text, ret);
	*ret = mktime(&midnight);
	return *ret != -1;
}
