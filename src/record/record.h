#pragma once
/*
 * The one format of everything recorded: "Key: value" lines. A ticket is a record in the
 * making, a build's commit ends in one (its trailers), and the snapshot worker answers
 * with one. Values are escaped by text_escape(), so that a value is always one line and
 * nobody's text can forge a key. Keys keep the order in which they were first set.
 *
 * The keys of a build are listed in safe-rebuild(8), section RECORDS.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "base/macro.h"

struct record_field {
	char *key, *value;
};

struct record {
	struct record_field *fields;
	size_t len;
};

/* A NULL or empty value removes the key. */
void record_set(struct record *record, const char *key, const char *value);
void record_setf(struct record *record, const char *key, const char *format, ...)
	_printf_(3, 4);
void record_set_time(struct record *record, const char *key, time_t time);

/* The value, NULL where the key is not there. Valid until the key is set again. */
const char *record_get(const struct record *record, const char *key);
/* 0 where the key is missing or no number. */
uint64_t record_get_number(const struct record *record, const char *key);
time_t record_get_time(const struct record *record, const char *key);

void record_print(const struct record *record, FILE *out);
/* Takes every line of the form "Key: value"; a line that is not one ends the record. */
void record_parse(struct record *ret, const char *text, size_t len);
void record_copy(struct record *ret, const struct record *from);
void record_free(struct record *record);
#define _cleanup_record_ _cleanup_(record_free)
