#pragma once
/*
 * Times and durations. Points in time are time_t (seconds since the epoch); durations are
 * seconds in records and milliseconds where something waits.
 */
#include <stdint.h>
#include <time.h>

#include "base/macro.h"

#define FOREVER_MS INT64_MAX

/* ISO 8601 local time with offset: 2026-11-22T19:20:14+01:00. The caller frees. */
char *clock_iso8601(time_t time) _must_check_;
bool clock_parse_iso8601(const char *text, time_t *ret);

/* "38 s", "2 min 5 s", "14 min", "3 h 20 min", "12 days". The caller frees. */
char *clock_duration(int64_t seconds) _must_check_;

/* How long ago that was: "5 min ago", "just now". The caller frees. */
char *clock_age(time_t time) _must_check_;

/* "0", "90s", "10m", "2h", "forever" into milliseconds. */
bool clock_parse_duration(const char *text, int64_t *ret_ms);

/* A point in time as people name one: "2h" ago, "2026-11-22", ISO 8601. */
bool clock_parse_when(time_t *ret, const char *text);

/* Milliseconds on a clock that nobody sets (CLOCK_BOOTTIME goes on in suspend). */
int64_t clock_boot_ms(void);

/* The same clock, or another of clock_gettime(2), in nanoseconds. */
int64_t clock_ns(clockid_t clock);
/* A file's stamp as one number. */
int64_t clock_nanoseconds(const struct timespec *time);

/* Signals end it early. */
void clock_sleep_ms(int64_t ms);
