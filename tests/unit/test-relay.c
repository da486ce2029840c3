/* What the runner has sent last is read, whatever of ours it has not read. */
#include "run/relay.h"

#include "unit.h"

static void test_unread_signal(void **state)
{
	const struct relay_message exit = {.type = RELAY_EXIT, .number = 130};
	const struct relay_message signal = {.type = RELAY_SIGNALLED, .number = 2};
	struct relay_message got;
	int runner, front, fd;

	(void)state;
	assert_int_equal(relay_pair(&runner, &front), 0);
	assert_int_equal(relay_send(runner, &exit, -1, false), 0);
	assert_int_equal(relay_send(front, &signal, -1, false), 0);
	close(runner);
	assert_int_equal(relay_receive(front, &got, &fd), sizeof(got));
	assert_int_equal(got.type, RELAY_EXIT);
	assert_int_equal(got.number, 130);
	assert_int_equal(relay_receive(front, &got, &fd), 0);
	close(front);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_unread_signal)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
