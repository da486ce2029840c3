#include "record/record.h"

#include <ctype.h>
#include <stdarg.h>

#include "base/memory.h"
#include "base/text.h"

static struct record_field *find(const struct record *record, const char *key)
{
	for (size_t i = 0; i < record->len; i++)
		if (streq(record->fields[i].key, key))
			return &record->fields[i];
	return NULL;
}

void record_set(struct record *record, const char *key, const char *value)
{
	struct record_field *field = find(record, key);

	if (!value || !*value)
		return;
	if (field)
		set_string(&field->value, xstrdup(value));
	else
		*list_add(record->fields, record->len) =
			(struct record_field){xstrdup(key), xstrdup(value)};
}

void record_setf(struct record *record, const char *key, const char *format, ...)
{
	_cleanup_free_ char *value = NULL;
	va_list arguments;

	va_start(arguments, format);
	value = xvasprintf(format, arguments);
	va_end(arguments);
	record_set(record, key, value);
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

void record_put_field(struct strbuf *out, const char *key, const char *value)
{
	_cleanup_free_ char *escaped = text_escape(value, strlen(value));

	strbuf_printf(out, "%s: %s\n", key, escaped);
}

void record_put(struct strbuf *out, const struct record *record)
{
	for (size_t i = 0; i < record->len; i++)
		record_put_field(out, record->fields[i].key, record->fields[i].value);
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
	const char *at = text, *line;
	size_t line_len;

	*ret = (struct record){0};
	while (text_next_line(&at, text + len, &line, &line_len)) {
		size_t key_len = key_length(line, line_len);
		_cleanup_free_ char *key = NULL, *value = NULL;

		if (!key_len)
			return;
		key = xstrndup(line, key_len);
		value = text_unescape(line + key_len + 2, line_len - key_len - 2);
		record_set(ret, key, value);
	}
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
