/*
 * What comes from elsewhere, read from arbitrary bytes: fuzz TARGET FILE ... reads each
 * file once, as afl-fuzz runs it (afl-fuzz -i corpus/TARGET -o DIR -- fuzz TARGET @@);
 * fuzz TARGET --mutate COUNT SEED FILE ... reads COUNT changed ones. The sanitizers of
 * the build find what goes wrong in memory; what else must hold is asserted here.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <git2/sys/mempack.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/screen.h"
#include "base/text.h"
#include "caller/own_options.h"
#include "changes/edits.h"
#include "changes/lock_file.h"
#include "commands/command.h"
#include "guard/lines.h"
#include "hook/shell.h"
#include "rebuild/flake_ref.h"
#include "rebuild/request.h"
#include "record/record.h"
#include "run/brief.h"
#include "run/progress.h"

#define INPUT_MAX ((size_t)1 << 20)

/* A file without a name that holds the input, as a path; the descriptor is to be closed.
 */
static char *file_of(const char *data, size_t len, int *ret_fd)
{
	*ret_fd = memfd_create("fuzz", MFD_CLOEXEC);
	assert(*ret_fd >= 0 && write_all(*ret_fd, data, len) == 0);
	assert(fchmod(*ret_fd, 0600) == 0 && lseek(*ret_fd, 0, SEEK_SET) == 0);
	return xasprintf("/proc/self/fd/%d", *ret_fd);
}

/* What was written reads back as the same. */
static void fuzz_record(const char *data, size_t len)
{
	_cleanup_record_ struct record record = {0}, again = {0};
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT, same = STRBUF_INIT;

	record_parse(&record, data, len);
	record_put(&text, &record);
	record_parse(&again, text.text ? text.text : "", text.len);
	record_put(&same, &again);
	assert(text.len == same.len &&
		(!text.text || !same.text || streq(text.text, same.text)));
}

/* Tickets and the commits of builds. */
static void fuzz_build(const char *data, size_t len)
{
	_cleanup_build_ struct build build = BUILD_INIT;

	if (build_parse(&build, data, len))
		assert(agent_name_is_valid(build.agent) &&
			target_name_is_valid(build.target));
}

static void fuzz_settings(const char *data, size_t len)
{
	_cleanup_settings_ struct settings settings = {0};
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *path = file_of(data, len, &fd);

	(void)!settings_read(&settings, path);
}

static void fuzz_lock_file(const char *data, size_t len)
{
	static git_repository *repository;
	static char place[] = "/tmp/fuzz.XXXXXX";
	_cleanup_git_(blob) git_blob *blob = NULL;
	_cleanup_lock_file_ struct lock_file file = {0};
	git_oid id;

	if (!repository) {
		git_odb *objects = NULL;
		git_odb_backend *memory = NULL;

		assert(git_start() == 0 && mkdtemp(place));
		assert(git_repository_init(&repository, place, true) == 0);
		assert(git_repository_odb(&objects, repository) == 0);
		assert(git_mempack_new(&memory) == 0);
		assert(git_odb_add_backend(objects, memory, 1000) == 0);
		git_odb_free(objects);
	}
	assert(git_blob_create_from_buffer(&id, repository, data, len) == 0);
	assert(git_blob_lookup(&blob, repository, &id) == 0);
	lock_file_parse(&file, blob);
	for (size_t i = 0; i < file.len; i++) {
		_cleanup_free_ char *text = lock_input_describe(&file.inputs[i], NULL);

		assert(lock_file_find(&file, file.inputs[i].name));
	}
}

static void fuzz_options(const char *data, size_t len)
{
	_cleanup_own_options_ struct own_options options = {.wait_ms = -1};
	_cleanup_strv_ struct strv words = {0};
	struct request request;
	const char *at = data, *line;
	size_t line_len;

	while (text_next_line(&at, data + len, &line, &line_len))
		strv_take(&words, xstrndup(line, line_len));
	if (!words.len || own_options_read(&options, &words) < 0)
		return;
	request_parse(&request, &words);
}

/* nixos-rebuild's stderr, in pieces as it may come: an agent is shown so much and no
 * more. */
static void fuzz_output(const char *data, size_t len)
{
	struct progress progress = PROGRESS_INIT;
	struct brief brief;
	size_t shown = 0;

	brief_start(&brief, 0);
	for (size_t at = 0, piece; at < len; at += piece) {
		piece = len - at < 7 ? len - at : 7 + at % 50;
		piece = piece < len - at ? piece : len - at;
		(void)!progress_read(&progress, data + at, piece);
		brief_read(&brief, data + at, piece);
		shown += brief.out.len;
		strbuf_drop(&brief.out, brief.out.len);
	}
	brief_end(&brief, 1, 43);
	shown += brief.out.len;
	brief_free(&brief);
	assert(shown <= BRIEF_MAX);
}

static void fuzz_shell(const char *data, size_t len)
{
	_cleanup_free_ char *command = xstrndup(data, len);
	struct shell_rewrite rewrite = {.message = "m", .agent = len % 2 ? "a.b" : NULL};
	_cleanup_free_ char *changed = shell_rewrite(command, &rewrite);
	_cleanup_free_ char *plain = shell_plain_text(command, 200);

	assert(!plain || !strpbrk(plain, "'\"`$\\!\n"));
}

static void fuzz_hook(const char *data, size_t len)
{
	const struct own_options options = {.wait_ms = -1};
	char name[] = "claude";
	char *words[] = {name, NULL};
	const struct strv arguments = {.words = words, .len = 1};
	const struct context context = {.own = &options, .words = &arguments};
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *path = file_of(data, len, &fd);

	assert(dup2(fd, STDIN_FILENO) == STDIN_FILENO);
	assert(command_hook.run(&context) == 0);
}

/* Cleaning twice is cleaning once, and what was escaped comes back. */
static void fuzz_text(const char *data, size_t len)
{
	_cleanup_strbuf_ struct strbuf screen = STRBUF_INIT;
	_cleanup_free_ char *clean = text_clean(data, len);
	_cleanup_free_ char *again = text_clean(clean, strlen(clean));
	_cleanup_free_ char *escaped = text_escape(data, len);
	_cleanup_free_ char *back = text_unescape(escaped, strlen(escaped));
	_cleanup_free_ char *quoted = text_quote(clean, 80);
	_cleanup_free_ char *decoded = text_percent_decode(clean);

	assert(streq(clean, again));
	assert(memcmp(back, data, strnlen(data, len)) == 0);
	assert(strlen(decoded) <= strlen(clean));
	screen_put_text(&screen, data, len);
}

static void fuzz_flake_ref(const char *data, size_t len)
{
	_cleanup_flake_ref_ struct flake_ref ref = {0};
	_cleanup_free_ char *text = xstrndup(data, len);

	flake_ref_parse(&ref, text);
	assert(ref.path || ref.url);
}

static void fuzz_lines(const char *data, size_t len)
{
	_cleanup_lines_ struct lines lines = {0}, statements = {0};
	unsigned last = 1;

	lines_split_text(&lines, "x.conf", data, len);
	for (size_t i = 0; i < lines.len; i++)
		assert(lines.list[i].hash &&
			lines.list[i].text + lines.list[i].len <= data + len);
	lines_split_text(&statements, "x.nix", data, len);
	for (size_t i = 0; i < statements.len; i++) {
		const struct line *line = &statements.list[i];

		assert(line->hash && line->number >= last && line->number <= len + 1 &&
			line->text >= statements.own);
		last = line->number;
	}
}

static const struct target {
	const char *name;
	void (*read)(const char *data, size_t len);
} targets[] = {
	{"record", fuzz_record},
	{"build", fuzz_build},
	{"settings", fuzz_settings},
	{"lock-file", fuzz_lock_file},
	{"options", fuzz_options},
	{"output", fuzz_output},
	{"shell", fuzz_shell},
	{"hook", fuzz_hook},
	{"text", fuzz_text},
	{"flake-ref", fuzz_flake_ref},
	{"lines", fuzz_lines},
};

static uint64_t state;

/* Knuth's MMIX generator: the same inputs for the same seed, everywhere. */
static size_t choose(size_t below)
{
	state = state * 6364136223846793005U + 1442695040888963407U;
	return below ? (size_t)(state >> 33) % below : 0;
}

/* One change: a byte, a piece that goes, comes twice, or comes from another input. */
static void mutate(struct strbuf *input, const struct strbuf *other)
{
	static const char telling[] = "\n\0\t\r\033\"'\\{}[]$`:=;#%-/.,0 ";
	const size_t at = choose(input->len + 1), from = choose(other->len + 1);
	const size_t piece = choose(40);
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	size_t next = at;

	strbuf_add(&out, input->text, at);
	switch (choose(5)) {
	case 0:
		strbuf_putc(&out, (char)choose(256));
		next += next < input->len;
		break;
	case 1:
		strbuf_putc(&out, telling[choose(sizeof(telling))]);
		break;
	case 2:
		next += piece < input->len - at ? piece : input->len - at;
		break;
	case 3:
		strbuf_add(&out, input->text + at,
			piece < input->len - at ? piece : input->len - at);
		break;
	default:
		strbuf_add(&out, other->text + from,
			piece < other->len - from ? piece : other->len - from);
	}
	strbuf_add(&out, input->text + next, input->len - next);
	strbuf_free(input);
	*input = out;
	out = (struct strbuf)STRBUF_INIT;
}

static void read_input(struct strbuf *ret, const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (fd < 0 || read_to_end(fd, INPUT_MAX, &text, &len) < 0) {
		perror(path);
		exit(2);
	}
	*ret = (struct strbuf)STRBUF_INIT;
	strbuf_add(ret, text, len);
}

static void read_mutated(
	const struct target *target, size_t count, char **paths, size_t len)
{
	struct strbuf *inputs = xcalloc(len, sizeof(*inputs));

	for (size_t i = 0; i < len; i++)
		read_input(&inputs[i], paths[i]);
	for (size_t i = 0; i < count; i++) {
		const struct strbuf *start = &inputs[choose(len)];
		_cleanup_strbuf_ struct strbuf input = STRBUF_INIT;

		strbuf_add(&input, start->text, start->len);
		for (size_t changes = 1 + choose(8); changes > 0; changes--)
			mutate(&input, &inputs[choose(len)]);
		target->read(input.text ? input.text : "", input.len);
	}
	for (size_t i = 0; i < len; i++)
		strbuf_free(&inputs[i]);
	free(inputs);
}

int main(int argc, char **argv)
{
	const struct target *target = targets;

	if (argc < 3)
		return 2;
	while (target < targets + ARRAY_LEN(targets) && !streq(target->name, argv[1]))
		target++;
	if (target == targets + ARRAY_LEN(targets))
		return 2;
	if (argc > 5 && streq(argv[2], "--mutate")) {
		state = strtoull(argv[4], NULL, 10);
		read_mutated(
			target, strtoull(argv[3], NULL, 10), argv + 5, (size_t)argc - 5);
		return 0;
	}
	for (int i = 2; i < argc; i++) {
		_cleanup_strbuf_ struct strbuf input = STRBUF_INIT;

		read_input(&input, argv[i]);
		target->read(input.text ? input.text : "", input.len);
	}
	return 0;
}
