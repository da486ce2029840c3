#include "base/clock.h"
#include "base/memory.h"
#include "unit.h"

static void check_duration(int64_t seconds, const char *expected)
{
	_cleanup_free_ char *text = clock_duration(seconds);

	assert_string_equal(text, expected);
}

static void test_durations_in_words(void **state)
{
	(void)state;
	check_duration(-5, "0 s");
	check_duration(59, "59 s");
	check_duration(60, "1 min");
	check_duration(125, "2 min 5 s");
	check_duration(850, "14 min");
	check_duration(3 * 3600 + 1200, "3 h 20 min");
	check_duration(3 * 3600 + 59, "3 h");
	check_duration(26 * 3600 + 600, "26 h");
	check_duration(12 * 86400, "12 days");
}

static void test_durations_parsed(void **state)
{
	static const char *const wrong[] = {
		"", "s", "10", "-1s", "1.5h", "10 m", "1d", "soon"};
	int64_t ms = 0;

	(void)state;
	assert_true(clock_parse_duration("0", &ms));
	assert_int_equal(ms, 0);
	assert_true(clock_parse_duration("90s", &ms));
	assert_int_equal(ms, 90000);
	assert_true(clock_parse_duration("10m", &ms));
	assert_int_equal(ms, 600000);
	assert_true(clock_parse_duration("forever", &ms));
	assert_true(ms == FOREVER_MS);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_false(clock_parse_duration(wrong[i], &ms));
}

static void test_iso8601_in_every_zone(void **state)
{
	static const char *const zones[] = {"UTC", "Europe/Berlin", "America/St_Johns"};
	const time_t when = 1795375214;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
		_cleanup_free_ char *text = NULL;
		time_t back = 0;

		setenv("TZ", zones[i], 1);
		tzset();
		text = clock_iso8601(when);
		assert_true(clock_parse_iso8601(text, &back));
		assert_int_equal(back, when);
	}
}

static void test_days_are_local(void **state)
{
	time_t midnight = 0;

	(void)state;
	setenv("TZ", "Pacific/Kiritimati", 1);
	tzset();
	assert_true(clock_parse_when(&midnight, "2026-11-28"));
	assert_int_equal(midnight, 1795773600);
	assert_false(clock_parse_when(&midnight, "2026-11-28x"));
	assert_false(clock_parse_when(&midnight, "November"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations_in_words),
		cmocka_unit_test(test_durations_parsed),
		cmocka_unit_test(test_iso8601_in_every_zone),
		cmocka_unit_test(test_days_are_local),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
