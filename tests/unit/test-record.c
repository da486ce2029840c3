#include "base/memory.h"
#include "record/record.h"
#include "unit.h"

static void test_values_cannot_forge_keys(void **state)
{
	_cleanup_record_ struct record record = {0}, back = {0};
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;

	(void)state;
	record_set(&record, "Message", "x\nOutcome: succeeded\r\n\\n");
	record_set(&record, "Outcome", "failed");
	record_put(&text, &record);
	record_parse(&back, text.text, text.len);
	assert_int_equal(back.len, 2);
	assert_string_equal(record_get(&back, "Outcome"), "failed");
	assert_string_equal(record_get(&back, "Message"), "x\nOutcome: succeeded\r\n\\n");
}

static void test_set_get(void **state)
{
	_cleanup_record_ struct record record = {0};

	(void)state;
	record_set(&record, "A", "1");
	record_setf(&record, "B", "%d", 2);
	record_set(&record, "A", "3");
	assert_string_equal(record_get(&record, "A"), "3");
	assert_int_equal(record_get_number(&record, "B"), 2);
	assert_int_equal(record_get_number(&record, "C"), 0);
	record_set(&record, "D", "");
	assert_null(record_get(&record, "D"));
}

static void test_parse_stops_at_what_is_no_record(void **state)
{
	static const char text[] = "A: 1\nB: \nnot a line\nC: 3\n";
	_cleanup_record_ struct record record = {0};

	(void)state;
	record_parse(&record, text, strlen(text));
	assert_string_equal(record_get(&record, "A"), "1");
	assert_null(record_get(&record, "C"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_cannot_forge_keys),
		cmocka_unit_test(test_set_get),
		cmocka_unit_test(test_parse_stops_at_what_is_no_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
