#include "record/record.h"

#include <ctype.h>
#include <stdarg.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

static struct record_field *find(const struct record *record, const char *key)
{
	for (size_t i = 0; i < record->len; i++)
		if (streq(record->fields[i].key, key))
			return &record->fields[i];
	return NULL;
}

static void remove_field(struct record *record, struct record_field *field)
{
	size_t index = (size_t)(field - record->fields);

	free(field->key);
	free(field->value);
	memmove(field, field + 1, (record->len - index - 1) * sizeof(*field));
	record->len--;
}

void record_set(struct record *record, const char *key, const char *value)
{
	struct record_field *field = find(record, key);

	if (!value || !*value) {
		if (field)
			remove_field(record, field);
		return;
	}
	if (field) {
		set_string(&field->value, xstrdup(value));
		return;
	}
	record->fields =
		xreallocarray(record->fields, record->len + 1, sizeof(*record->fields));
	record->fields[record->len++] =
		(struct record_field){xstrdup(key), xstrdup(value)};
}

void record_setf(struct record *record, const char *key, const char *format, ...)
{
	_cleanup_free_ char *value = NULL;
	va_list arguments;
	int len;

	va_start(arguments, format);
	len = vasprintf(&value, format, arguments);
	va_end(arguments);
	record_set(record, key, len < 0 ? NULL : value);
}

void record_set_time(struct record *record, const char *key, time_t time)
{
	_cleanup_free_ char *text = clock_iso8601(time);

	record_set(record, key, text);
}

const char *record_get(const struct record *record, const char *key)
{
	const struct record_field *field = find(record, key);

	return field ? field->value : NULL;
}

uint64_t record_get_number(const struct record *record, const char *key)
{
	const char *value = record_get(record, key);
	uint64_t number = 0;

	if (value)
		text_to_number(value, UINT64_MAX, &number);
	return number;
}

time_t record_get_time(const struct record *record, const char *key)
{
	const char *value = record_get(record, key);
	time_t time = 0;

	if (value)
		clock_parse_iso8601(value, &time);
	return time;
}

void record_print(const struct record *record, FILE *out)
{
	for (size_t i = 0; i < record->len; i++) {
		const char *value = record->fields[i].value;
		_cleanup_free_ char *escaped = text_escape(value, strlen(value));

		fprintf(out, "%s: %s\n", record->fields[i].key, escaped);
	}
}

/* Length of the key at the start of the line, 0 where it is no "Key: value" line. */
static size_t key_length(const char *line, size_t len)
{
	size_t key = 0;

	while (key < len && (isalnum((unsigned char)line[key]) || line[key] == '-'))
		key++;
	return key && key + 2 <= len && line[key] == ':' && line[key + 1] == ' ' ? key
										 : 0;
}

void record_parse(struct record *ret, const char *text, size_t len)
{
	const char *line = text, *end = text + len;

	*ret = (struct record){0};
	while (line < end) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		size_t line_len = (size_t)((newline ? newline : end) - line);
		size_t key_len = key_length(line, line_len);
		_cleanup_free_ char *key = NULL, *value = NULL;

		if (!key_len)
			return;
		key = xstrndup(line, key_len);
		value = text_unescape(line + key_len + 2, line_len - key_len - 2);
		record_set(ret, key, value);
		line += line_len + 1;
	}
}

void record_copy(struct record *ret, const struct record *from)
{
	*ret = (struct record){0};
	for (size_t i = 0; i < from->len; i++)
		record_set(ret, from->fields[i].key, from->fields[i].value);
}

void record_free(struct record *record)
{
	for (size_t i = 0; i < record->len; i++) {
		free(record->fields[i].key);
		free(record->fields[i].value);
	}
	free(record->fields);
	*record = (struct record){0};
}
