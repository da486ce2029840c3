/* A worker that crashes, hangs or talks rubbish costs an answer and nothing else. */
#include <signal.h>
#include <sys/resource.h>

#include "base/memory.h"
#include "base/message.h"
#include "snapshot/worker.h"
#include "unit.h"

static char *said;

static void keep_line(const char *line, size_t len, void *data)
{
	(void)data;
	set_string(&said, xstrndup(line, len));
}

static int answer(struct record *record, void *argument)
{
	record_set(record, "Given", argument);
	return 0;
}

static int crash(struct record *record, void *argument)
{
	const struct rlimit no_core = {0, 0};

	(void)record;
	(void)argument;
	setrlimit(RLIMIT_CORE, &no_core);
	signal(SIGABRT, SIG_DFL);
	raise(SIGABRT);
	return 0;
}

static int hang(struct record *record, void *argument)
{
	(void)record;
	(void)argument;
	while (pause())
		;
	return 0;
}

static int give_up(struct record *record, void *argument)
{
	(void)record;
	(void)argument;
	return -1;
}

static int keep_descriptors(struct record *record, void *argument)
{
	record_setf(
		record, "Open", "%d", *(int *)argument > 3 && dup(*(int *)argument) >= 0);
	return 0;
}

static void test_answer(void **state)
{
	_cleanup_record_ struct record record = {0};
	char text[] = "with\nnewline";

	(void)state;
	assert_int_equal(worker_run(&record, "test", answer, text, 5000), 0);
	assert_string_equal(record_get(&record, "Given"), text);
}

static void test_crash(void **state)
{
	_cleanup_record_ struct record record = {0};

	(void)state;
	message_redirect(keep_line, NULL);
	assert_int_equal(worker_run(&record, "test", crash, NULL, 5000), -1);
	assert_non_null(strstr(said, "test: the worker died of signal 6"));
}

static void test_hang(void **state)
{
	_cleanup_record_ struct record record = {0};

	(void)state;
	message_redirect(keep_line, NULL);
	assert_int_equal(worker_run(&record, "test", hang, NULL, 1000), -1);
	assert_string_equal(said, "safe-rebuild: test: it took longer than 1 s\n");
}

static void test_failure(void **state)
{
	_cleanup_record_ struct record record = {0};

	(void)state;
	assert_int_equal(worker_run(&record, "test", give_up, NULL, 5000), -1);
}

static void test_no_descriptor_is_kept(void **state)
{
	_cleanup_record_ struct record record = {0};
	_cleanup_close_ int fd = dup(STDIN_FILENO), second = dup(STDIN_FILENO);

	(void)state;
	assert_int_equal(worker_run(&record, "test", keep_descriptors, &second, 5000), 0);
	assert_string_equal(record_get(&record, "Open"), "0");
	assert_true(fd >= 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_crash),
		cmocka_unit_test(test_hang),
		cmocka_unit_test(test_failure),
		cmocka_unit_test(test_no_descriptor_is_kept),
	};
	int result = cmocka_run_group_tests(tests, NULL, NULL);

	free(said);
	return result;
}
