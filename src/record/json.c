#include "record/json.h"

#include <ctype.h>

#include "base/memory.h"
#include "base/text.h"

#define SCHEMA 1

json_t *json_answer(void)
{
	json_t *answer = json_object();

	json_object_set_new(answer, "schema", json_integer(SCHEMA));
	return answer;
}

json_t *json_text(const char *text)
{
	_cleanup_free_ char *clean = NULL;
	json_t *value;

	if (!text)
		return json_null();
	value = json_string(text);
	if (value)
		return value;
	clean = text_clean(text, strlen(text));
	return json_string(clean);
}

static json_t *json_field(const struct build *build, const struct build_field *field)
{
	_cleanup_free_ char *text = build_field_text(build, field);

	if (!text)
		return NULL;
	return field->type == FIELD_NUMBER || field->type == FIELD_STATUS
		       ? json_integer(strtoll(text, NULL, 10))
		       : json_text(text);
}

json_t *json_record(const struct build *build)
{
	json_t *object = json_object();

	for (size_t i = 0; i < build_fields_len; i++) {
		_cleanup_free_ char *name = xstrdup(build_fields[i].key);
		json_t *value = json_field(build, &build_fields[i]);

		for (char *at = name; *at; at++)
			*at = (char)(*at == '-' ? '_' : tolower((unsigned char)*at));
		if (value)
			json_object_set_new(object, name, value);
	}
	if (build->started && build->finished)
		json_object_set_new(object, "duration",
			json_integer(build->finished - build->started));
	return object;
}

json_t *json_build(const struct build *build)
{
	static const char *const keys[] = {"stdout", "environment", "numbers_given"};
	json_t *object = json_record(build);

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		json_object_del(object, keys[i]);
	return object;
}

json_t *json_words(const struct strv *words)
{
	json_t *list = json_array();

	for (size_t i = 0; i < words->len; i++)
		json_array_append_new(list, json_text(words->words[i]));
	return list;
}
