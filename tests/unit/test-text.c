#include "base/memory.h"
#include "base/text.h"
#include "unit.h"

static void check_clean(const char *text, const char *expected)
{
	_cleanup_free_ char *clean = text_clean(text, strlen(text));

	assert_string_equal(clean, expected);
}

static void test_clean(void **state)
{
	(void)state;
	check_clean("plain \\ \"text\" \xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xa7",
		"plain \\ \"text\" \xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xa7");
	check_clean("a\nb\tc\rd", "a\\nb\\tc\\rd");
	check_clean("\033[31mred\x7f", "\\x1b[31mred\\x7f");
	check_clean("\xff\xc3", "\\xff\\xc3");          /* not UTF-8 */
	check_clean("\xc0\xaf", "\\xc0\\xaf");          /* overlong slash */
	check_clean("\xed\xa0\x80", "\\xed\\xa0\\x80"); /* surrogate */
	check_clean("\xc2\x9b", "\\u{9b}");             /* C1: a terminal's CSI */
	check_clean("\xe2\x80\xae", "\\u{202e}");       /* right-to-left override */
	check_clean("\xe2\x80\x8b", "\\u{200b}");       /* zero width */
	check_clean("\xf3\xa0\x81\x81", "\\u{e0041}");  /* tag letter: hidden words */
	check_clean("", "");
}

static void check_round_trip(const char *text, size_t len)
{
	_cleanup_free_ char *escaped = text_escape(text, len);
	_cleanup_free_ char *back = text_unescape(escaped, strlen(escaped));

	assert_null(strchr(escaped, '\n'));
	assert_memory_equal(back, text, len);
	assert_int_equal(strlen(back), len);
}

static void test_escape_round_trip(void **state)
{
	static const char *const texts[] = {"", "plain", "back\\slash\\", "a\nb\\nc",
		"\xff\xfe", "\\x41", "\xe2\x80\xae", "\xf3\xa0\x81\x81", "\\u{41}",
		"\xc2\x85", "\x01\x1f\x7f"};
	char every[255];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		check_round_trip(texts[i], strlen(texts[i]));
	for (size_t i = 0; i < sizeof(every); i++)
		every[i] = (char)(i + 1);
	check_round_trip(every, sizeof(every));
}

static void test_unescape_takes_rubbish(void **state)
{
	static const char *const texts[] = {
		"\\", "\\x", "\\x4", "\\u{", "\\u{zz}", "\\q"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		_cleanup_free_ char *back = text_unescape(texts[i], strlen(texts[i]));

		assert_non_null(back);
	}
}

static void test_quote(void **state)
{
	_cleanup_free_ char *quoted = text_quote("say \"hi\"", 20);
	_cleanup_free_ char *cut = text_quote("\xc3\xa4\xc3\xa4\xc3\xa4", 3);

	(void)state;
	assert_string_equal(quoted, "\"say \\\"hi\\\"\"");
	assert_string_equal(cut, "\"\xc3\xa4...\"");
}

static void test_shell_words(void **state)
{
	char *words[] = {(char[]){"switch"}, (char[]){".#box"}, (char[]){"it's"},
		(char[]){""}, NULL};
	_cleanup_free_ char *line = text_shell_words(words);

	(void)state;
	assert_string_equal(line, "switch '.#box' 'it'\\''s' ''");
}

static void test_numbers(void **state)
{
	uint64_t number = 7;

	(void)state;
	assert_true(text_to_number("43", 100, &number));
	assert_int_equal(number, 43);
	assert_false(text_to_number("101", 100, &number));
	assert_false(text_to_number("", 100, &number));
	assert_false(text_to_number("-1", 100, &number));
	assert_false(text_to_number("4 ", 100, &number));
	assert_false(text_to_number("99999999999999999999999", UINT64_MAX, &number));
	assert_int_equal(number, 43);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_escape_round_trip),
		cmocka_unit_test(test_unescape_takes_rubbish),
		cmocka_unit_test(test_quote),
		cmocka_unit_test(test_shell_words),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
