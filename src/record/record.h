#pragma once
/*
 * The one format of everything recorded: "Key: value" lines. A ticket and a build's
 * commit are records (see build.h), and so are a request to cancel and a worker's answer.
 * Values are escaped by text_escape(), so that a value is always one line and nobody's
 * text can forge a key. Keys keep the order in which they were first set.
 */
#include "base/strbuf.h"

#include <stdint.h>

struct record_field {
	char *key, *value;
};

struct record {
	struct record_field *fields;
	size_t len;
};

/* A NULL or empty value changes nothing. */
void record_set(struct record *record, const char *key, const char *value);
void record_setf(struct record *record, const char *key, const char *format, ...)
	_printf_(3, 4);

/* The value, NULL where the key is not there. Valid until the key is set again. */
const char *record_get(const struct record *record, const char *key);
/* 0 if the key is missing or its value is not a number. */
uint64_t record_get_number(const struct record *record, const char *key);

void record_put(struct strbuf *out, const struct record *record);
/* One line of it. */
void record_put_field(struct strbuf *out, const char *key, const char *value);
/* Takes every line of the form "Key: value"; any other line ends the record. */
void record_parse(struct record *ret, const char *text, size_t len);
void record_free(struct record *record);
#define _cleanup_record_ _cleanup_(record_free)
