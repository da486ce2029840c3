/* Command lines as nixos-rebuild-ng's argparse and the bash script read them. */
#include "base/memory.h"
#include "rebuild/request.h"
#include "unit.h"

/* Parses words separated by blanks ("_" is an empty word); the list must outlive the
 * result. */
static struct request parse(struct strv *words, const char *line)
{
	_cleanup_free_ char *copy = xstrdup(line);
	struct request request;
	char *rest = NULL;

	for (char *word = strtok_r(copy, " ", &rest); word;
		word = strtok_r(NULL, " ", &rest))
		strv_add(words, streq(word, "_") ? "" : word);
	request_parse(&request, words);
	return request;
}

static void check_action(const char *line, enum action expected)
{
	_cleanup_strv_ struct strv words = {0};

	assert_int_equal(parse(&words, line).action, expected);
}

static void check_flake(const char *line, const char *expected)
{
	_cleanup_strv_ struct strv words = {0};
	struct request request = parse(&words, line);

	if (expected)
		assert_string_equal(request.flake, expected);
	else
		assert_null(request.flake);
}

static void test_actions(void **state)
{
	(void)state;
	check_action("switch", ACTION_SWITCH);
	check_action("--flake .#x switch", ACTION_SWITCH);
	check_action("-v -L boot", ACTION_BOOT);
	check_action("dry-run", ACTION_DRY_BUILD);
	check_action("build-vm-with-bootloader", ACTION_BUILD_VM);
	check_action("-- switch", ACTION_SWITCH);
	check_action("--option a b test", ACTION_TEST);
	check_action("--override-input a b test", ACTION_TEST);
	check_action("--argstr a b --arg c d test", ACTION_TEST);
	check_action("-j 4 switch", ACTION_SWITCH);
	check_action("-j4 switch", ACTION_SWITCH);
	check_action("-j -1 switch", ACTION_SWITCH);
	check_action("-p name switch", ACTION_SWITCH);
	check_action("--unknown switch", ACTION_SWITCH);
	check_action("frobnicate", ACTION_UNKNOWN);
	check_action("", ACTION_NONE);
	/* an optional value is greedy: the action is eaten, and nixos-rebuild will
	 * complain */
	check_action("--flake switch", ACTION_NONE);
	check_action("--flake -- switch", ACTION_SWITCH);
	check_action("--builders _ switch", ACTION_SWITCH);
}

static void test_flake_values(void **state)
{
	(void)state;
	check_flake("switch --flake", ".");
	check_flake("switch --flake --impure", ".");
	check_flake("switch --flake .#h", ".#h");
	check_flake("switch --flake=.#h", ".#h");
	check_flake("switch -F .#h", ".#h");
	check_flake("switch -F.#h", ".#h");
	check_flake("switch -vLF.#h", ".#h");
	check_flake("switch -vLF .#h", ".#h");
	check_flake("switch --flake a --flake b", "b");
	check_flake("switch --flake a --no-flake", NULL);
	check_flake("switch --no-flake --flake a", "a");
	check_flake("switch", NULL);
}

static void test_other_values(void **state)
{
	_cleanup_strv_ struct strv words = {0};
	struct request request = parse(&words,
		"switch -pgaming -f x --attr=y -I a=b -Ic=d --target-host root@h --build-host=b "
		"-c spec --rollback --sudo --store-path=/nix/store/z");

	(void)state;
	assert_string_equal(request.profile_name, "gaming");
	assert_string_equal(request.file, "x");
	assert_string_equal(request.attr, "y");
	assert_int_equal(request.include_count, 2);
	assert_string_equal(request.include[0], "a=b");
	assert_string_equal(request.include[1], "c=d");
	assert_string_equal(request.target_host, "root@h");
	assert_string_equal(request.store_path, "/nix/store/z");
	assert_true(request.rollback);
	assert_false(request.help);
}

/* An option of a nixos-rebuild to come must not lead past the lock. */
static void test_value_of_unknown_option(void **state)
{
	(void)state;
	check_action("--new-thing /some/path switch", ACTION_SWITCH);
	check_action("--new-thing build switch", ACTION_SWITCH);
	check_action("--new-thing boots switch --other", ACTION_SWITCH);
	check_action("--new-thing switch", ACTION_SWITCH);
	check_action("--new-thing=x statsu switch", ACTION_UNKNOWN);
	check_action("--new-thing statsu", ACTION_UNKNOWN);
	check_action("switch --new-thing build", ACTION_SWITCH);
}

static void test_help(void **state)
{
	_cleanup_strv_ struct strv one = {0}, two = {0};

	(void)state;
	assert_true(parse(&one, "switch --help").help);
	assert_true(parse(&two, "-h").help);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_flake_values),
		cmocka_unit_test(test_other_values),
		cmocka_unit_test(test_value_of_unknown_option),
		cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
