/* Names that become components of refs and paths. */
#include <git2.h>

#include "base/memory.h"
#include "caller/caller.h"
#include "queue/target.h"
#include "unit.h"

static void test_agent_names(void **state)
{
	static const char *const good[] = {
		"a", "claude-code-3f2a9c1e", "x_y.z", "_", "0"};
	static const char *const bad[] = {"", ".", "..", "a/b", "a..b", "-x", ".x", "x.",
		"x.lock", "a b", "\xc3\xa4", "a@b", "a\n", "~", "a:b"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		_cleanup_free_ char *ref = xasprintf("refs/agents/system/%s", good[i]);
		int valid = 0;

		assert_true(caller_name_is_valid(good[i]));
		assert_int_equal(git_reference_name_is_valid(&valid, ref), 0);
		assert_true(valid);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(caller_name_is_valid(bad[i]));
}

static void check_target(const char *host, const char *profile, const char *expected)
{
	const struct request request = {.target_host = host, .profile_name = profile};
	_cleanup_free_ char *target = target_name(&request);
	_cleanup_free_ char *ref = xasprintf("refs/agents/%s/a", target);
	int valid = 0;

	assert_string_equal(target, expected);
	assert_int_equal(git_reference_name_is_valid(&valid, ref), 0);
	assert_true(valid);
}

static void test_targets(void **state)
{
	(void)state;
	check_target(NULL, NULL, "system");
	check_target("", "system", "system");
	check_target(NULL, "gaming", "profile-gaming");
	check_target(NULL, "a/b", "profile-a%2fb");
	check_target("root@h.example", NULL, "host-root%40h.example");
	check_target("..", NULL, "host-%2e%2e");
	check_target("x.lock", NULL, "host-x%2elock");
	check_target("x.", NULL, "host-x%2e");
	check_target("ssh-ng://h", "p", "host-ssh-ng%3a%2f%2fh");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agent_names),
		cmocka_unit_test(test_targets),
	};

	git_libgit2_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
