#include "unit.h"

#include "base/screen.h"

static void assert_seen(const char *output, const char *expected)
{
	_cleanup_strbuf_ struct strbuf seen = STRBUF_INIT;

	screen_put_line(&seen, output, strlen(output));
	assert_string_equal(seen.text, expected);
}

static void test_line(void **state)
{
	(void)state;
	assert_seen("plain", "plain");
	assert_seen("long text\rshort", "shorttext");
	assert_seen("long text\r\033[Kshort", "short");
	assert_seen("\033[1;32mgreen\033[0m", "green");
	assert_seen("\033]0;a title\aafter", "after");
	assert_seen("\033]8;;http://x\033\\link\033]8;;\033\\", "link");
	assert_seen("\033(Bx\033", "x");
	assert_seen("cut\033[12", "cut");
	assert_seen("a\033[2Kb", "ab");
}

static void test_in_line(void **state)
{
	(void)state;
	assert_false(screen_is_in_line(true, "x\n", 2));
	assert_true(screen_is_in_line(false, "x\ny", 3));
	assert_false(screen_is_in_line(true, "bar\r\033[K", 7));
	assert_true(screen_is_in_line(false, "\r\033[Kbar", 7));
	assert_true(screen_is_in_line(true, "", 0));
	assert_true(screen_is_in_line(true, "\033[0m", 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_in_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
