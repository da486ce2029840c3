/* A worker that crashes, hangs or talks rubbish costs an answer and nothing else. */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include "base/memory.h"
#include "base/message.h"
#include "base/worker.h"
#include "unit.h"

static char *said;

static void keep_line(const char *line, size_t len, void *data)
{
	(void)data;
	set_string(&said, xstrndup(line, len));
}

static int answer_data(struct worker *worker, struct strbuf *answer, void *data)
{
	(void)worker;
	strbuf_puts(answer, data);
	return 0;
}

static int crash(struct worker *worker, struct strbuf *answer, void *data)
{
	const struct rlimit no_core = {0, 0};

	(void)worker;
	(void)answer;
	(void)data;
	setrlimit(RLIMIT_CORE, &no_core);
	signal(SIGABRT, SIG_DFL);
	raise(SIGABRT);
	return 0;
}

static int hang(struct worker *worker, struct strbuf *answer, void *data)
{
	(void)worker;
	(void)answer;
	(void)data;
	while (pause())
		;
	return 0;
}

static int give_up(struct worker *worker, struct strbuf *answer, void *data)
{
	(void)worker;
	(void)answer;
	(void)data;
	return error("it is not to be had");
}

static int end(struct worker *worker, struct strbuf *answer, void *data)
{
	(void)worker;
	(void)answer;
	(void)data;
	_exit(0);
}

static int see_descriptors(struct worker *worker, struct strbuf *answer, void *data)
{
	const int *fds = data;

	(void)worker;
	for (int i = 0; i < 2; i++)
		strbuf_puts(answer, fcntl(fds[i], F_GETFD) >= 0 ? "open " : "closed ");
	return 0;
}

#define ASK WORKER_FRAMES
#define TELL (WORKER_FRAMES + 1)
#define LARGE ((size_t)3 << 20)

static int converse(struct worker *worker, struct strbuf *answer, void *data)
{
	_cleanup_free_ char *large = xcalloc(LARGE, 1);

	(void)data;
	memset(large, 'x', LARGE);
	worker_send(worker, TELL, large, LARGE);
	worker_send(worker, TELL, "", 0);
	worker_ask(worker, ASK, "how many?", 9, answer);
	return 0;
}

static int count(
	unsigned type, const char *frame, size_t len, struct strbuf *reply, void *data)
{
	size_t *told = data;

	(void)frame;
	if (type == TELL)
		*told += len;
	else if (type == ASK)
		strbuf_printf(reply, "%zu bytes", *told);
	else
		return error("what?");
	return 0;
}

static int run(struct strbuf *answer,
	int (*work)(struct worker *, struct strbuf *, void *), void *data)
{
	const struct worker_job job = {
		.what = "test",
		.work = work,
		.receive = count,
		.data = data,
		.deadline_ms = 1000,
	};

	message_redirect(keep_line, NULL);
	return worker_run(answer, &job);
}

static void test_answer(void **state)
{
	_cleanup_strbuf_ struct strbuf answer = STRBUF_INIT;
	char text[] = "with\nnewline";

	(void)state;
	assert_int_equal(run(&answer, answer_data, text), 0);
	assert_string_equal(answer.text, text);
}

static void test_conversation(void **state)
{
	_cleanup_strbuf_ struct strbuf answer = STRBUF_INIT;
	size_t told = 0;

	(void)state;
	assert_int_equal(run(&answer, converse, &told), 0);
	assert_string_equal(answer.text, "3145728 bytes");
}

static void check_failure(
	int (*work)(struct worker *, struct strbuf *, void *), const char *words)
{
	_cleanup_strbuf_ struct strbuf answer = STRBUF_INIT;

	assert_int_equal(run(&answer, work, NULL), -1);
	assert_non_null(strstr(said, words));
}

static void test_failures(void **state)
{
	(void)state;
	check_failure(crash, "test: the worker died of signal 6");
	check_failure(hang, "safe-rebuild: test: it took longer than 1 s\n");
	check_failure(give_up, "safe-rebuild: it is not to be had\n");
	check_failure(end, "test: the worker ended without an answer");
}

static void test_descriptors(void **state)
{
	_cleanup_close_ int kept = dup(STDIN_FILENO), other = dup(STDIN_FILENO);
	int fds[] = {kept, other};
	const struct worker_job job = {
		.what = "test",
		.work = see_descriptors,
		.data = fds,
		.deadline_ms = 1000,
		.keep = {kept},
	};
	_cleanup_strbuf_ struct strbuf answer = STRBUF_INIT;

	(void)state;
	assert_int_equal(worker_run(&answer, &job), 0);
	assert_string_equal(answer.text, "open closed ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_conversation),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_descriptors),
	};
	int result = cmocka_run_group_tests(tests, NULL, NULL);

	free(said);
	return result;
}
