/* Names that become components of refs and paths. */
#include <git2.h>

#include "base/memory.h"
#include "rebuild/target.h"
#include "record/build.h"
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

		assert_true(agent_name_is_valid(good[i]));
		assert_int_equal(git_reference_name_is_valid(&valid, ref), 0);
		assert_true(valid);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(agent_name_is_valid(bad[i]));
}

static void check_target(const char *host, const char *profile, const char *expected)
{
	const struct request request = {.target_host = host, .profile_name = profile};
	char profiles[] = "/profiles", run_path[] = "/run";
	const struct settings settings = {
		.profiles_path = profiles, .run_path = run_path};
	_cleanup_target_ struct target target = target_of_request(&settings, &request);
	_cleanup_free_ char *ref = NULL;
	int valid = 0;

	ref = xasprintf("refs/agents/%s/a", target.name);
	assert_string_equal(target.name, expected);
	assert_true(target_name_is_valid(target.name));
	assert_int_equal(git_reference_name_is_valid(&valid, ref), 0);
	assert_true(valid);
}

static void test_target_profile(void **state)
{
	char profiles[] = "/profiles", run_path[] = "/run";
	const struct settings settings = {
		.profiles_path = profiles, .run_path = run_path};
	_cleanup_target_ struct target system = {0}, other = {0}, host = {0};

	(void)state;
	system = target_by_name(&settings, NULL);
	other = target_by_name(&settings, "profile-a%2fb");
	host = target_by_name(&settings, "host-h");
	assert_string_equal(system.profile, "/profiles/system");
	assert_string_equal(system.queue, "/run/queue");
	assert_string_equal(other.profile, "/profiles/system-profiles/a/b");
	assert_string_equal(other.queue, "/run/targets/profile-a%2fb/queue");
	assert_null(host.profile);
	/* What a directory's name may be, too: it is read to its end. */
	target_free(&other);
	other = target_by_name(&settings, "profile-%4");
	assert_string_equal(other.profile, "/profiles/system-profiles/%4");
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
		cmocka_unit_test(test_target_profile),
	};

	git_libgit2_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
