/* A build is what it was when it is read back, and what is not valid is none. */
#include "base/memory.h"
#include "record/build.h"
#include "unit.h"

static void test_round_trip(void **state)
{
	char agent[] = "alpha-1", target[] = "profile-a%2fb", message[] = "two\nlines";
	struct build build = BUILD_INIT;
	_cleanup_build_ struct build back = BUILD_INIT;
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;

	(void)state;
	build.number = 43;
	build.agent = agent;
	build.target = target;
	build.message = message;
	build.outcome = OUTCOME_PARTLY;
	build.config_state = CONFIG_DIRTY;
	build.started = 1790000000;
	build.exit_status = 0;
	build.phase = PHASE_OUTSIDE;
	build.child = (struct process_name){4711, 99};
	git_oid_fromstr(&build.config_tree, "0123456789abcdef0123456789abcdef01234567");
	build_put(&text, &build, TICKET_ONLY);
	assert_true(build_parse(&back, text.text, text.len));
	assert_int_equal(back.number, 43);
	assert_string_equal(back.message, message);
	assert_int_equal(back.outcome, OUTCOME_PARTLY);
	assert_int_equal(back.config_state, CONFIG_DIRTY);
	assert_int_equal(back.started, 1790000000);
	assert_int_equal(back.exit_status, 0);
	assert_int_equal(back.phase, PHASE_OUTSIDE);
	assert_int_equal(back.child.pid, 4711);
	assert_true(git_oid_equal(&back.config_tree, &build.config_tree));
	assert_true(git_oid_is_zero(&back.config_commit));
	assert_null(back.session);
}

/* What only a ticket tells is no part of the ledger. */
static void test_ticket_only(void **state)
{
	char agent[] = "a", target[] = "system";
	struct build build = BUILD_INIT;
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;

	(void)state;
	build.agent = agent;
	build.target = target;
	build.phase = PHASE_BUILDING;
	build_put(&text, &build, EVERYWHERE);
	assert_non_null(strstr(text.text, "Agent: a\n"));
	assert_null(strstr(text.text, "Phase"));
}

static void check_invalid(const char *line)
{
	_cleanup_free_ char *text =
		xasprintf("Build: 1\nAgent: a\nTarget: system\n%s\n", line);
	struct build build;

	assert_false(build_parse(&build, text, strlen(text)));
	assert_null(build.agent);
}

static void test_what_is_no_build(void **state)
{
	static const char *const lines[] = {"Agent: ../../etc", "Agent: a b",
		"Target: ../system", "Target: other", "Build: 43x", "Build: 99999999999",
		"Outcome: splendid", "Config-State: odd",
		"Config-Commit: abc; curl x | sh", "Started: yesterday",
		"Exit-Status: 300", "Child: 0 1", "Child: 1 2 3"};
	struct build build;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		check_invalid(lines[i]);
	assert_false(build_parse(&build, "Agent: a\n", 9));
	assert_false(build_parse(&build, "", 0));
}

static void test_unknown_keys_are_passed_over(void **state)
{
	static const char text[] = "Build: 1\nAgent: a\nTarget: system\nFuture: x\n";
	_cleanup_build_ struct build build = BUILD_INIT;

	(void)state;
	assert_true(build_parse(&build, text, strlen(text)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_ticket_only),
		cmocka_unit_test(test_what_is_no_build),
		cmocka_unit_test(test_unknown_keys_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
