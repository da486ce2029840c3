#include <inttypes.h>

#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "changes/describe.h"
#include "changes/patch.h"
#include "commands/command.h"
#include "commands/json.h"
#include "commands/reference.h"
#include "run/log.h"

/* The build before in the chain that has a snapshot to compare with. */
static int find_before(
	struct build *ret, struct ledger *ledger, const struct build *build)
{
	int found;

	*ret = (struct build){.parent = build->parent};
	do
		found = build_step_back(ret, ledger);
	while (found > 0 && !build_has_snapshot(ret));
	return found;
}

static int print_json(const struct build *build, const struct build *before,
	const struct path_changes *changes)
{
	json_t *answer = json_answer(), *paths = json_array();
	json_t *record = json_record(&build->record);

	json_object_update(answer, record);
	json_decref(record);
	json_object_set_new(answer, "compared_with",
		before ? json_integer((json_int_t)build_number(before)) : json_null());
	for (size_t i = 0; i < changes->len; i++)
		json_array_append_new(paths, json_path_change(&changes->list[i]));
	json_object_set_new(answer, "changes", paths);
	return json_print(answer);
}

/* What is asked for most comes first; the rest as it was recorded. */
static const char *const first_keys[] = {
	"Build", "Outcome", "Agent", "Action", "Message"};
/* Nobody's question. */
static const char *const hidden_keys[] = {"Config-Tree", "Environment", "Numbers-Given",
	"Stdout", "Stdout-Size", "Ticket", "Tree-With-Lock-File"};

static bool is_among(const char *key, const char *const *keys, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (streq(keys[i], key))
			return true;
	return false;
}

static void print_field(const char *key, const char *value)
{
	_cleanup_free_ char *clean = text_clean(value, strlen(value));

	printf("%-22s %s\n", key, clean);
}

static void print_record(const struct record *record)
{
	for (size_t i = 0; i < ARRAY_LEN(first_keys); i++)
		if (record_get(record, first_keys[i]))
			print_field(first_keys[i], record_get(record, first_keys[i]));
	for (size_t i = 0; i < record->len; i++)
		if (!is_among(record->fields[i].key, first_keys, ARRAY_LEN(first_keys)) &&
			!is_among(record->fields[i].key, hidden_keys,
				ARRAY_LEN(hidden_keys)))
			print_field(record->fields[i].key, record->fields[i].value);
}

static int print_text(const struct build *build, const struct build *before,
	const struct path_changes *changes, struct ledger *ledger)
{
	print_record(&build->record);
	if (before && !changes->len)
		printf("\nthe same configuration as build %" PRIu64 "\n",
			build_number(before));
	else if (before)
		printf("\nchanged since build %" PRIu64 ":\n", build_number(before));
	for (size_t i = 0; i < changes->len; i++)
		if (describe_path(stdout, &changes->list[i], NULL, ledger, SHOW_STAT) < 0)
			return EXIT_OWN_FAILURE;
	return 0;
}

static int show_record(struct ledger *ledger, const struct build *build, bool json)
{
	_cleanup_build_ struct build before = {0};
	_cleanup_path_changes_ struct path_changes changes = {0};
	int found = 0;

	if (build_has_snapshot(build) && !build_is_running(build))
		found = find_before(&before, ledger, build);
	if (found < 0 || (found && tree_diff(&changes, ledger->repository, &before.tree,
					   &build->tree) < 0))
		return EXIT_OWN_FAILURE;
	if (json)
		return print_json(build, found ? &before : NULL, &changes);
	return print_text(build, found ? &before : NULL, &changes, ledger);
}

/* The bytes as they are, for another program; cleaned, for a terminal. */
static void print_bytes(const char *text, size_t len)
{
	if (isatty(STDOUT_FILENO))
		text_print_lines(stdout, text, len);
	else
		fwrite(text, 1, len, stdout);
}

/*
 * Of a dirty build what was not committed in it; of another what has changed since the
 * build before.
 */
static int find_patch_base(git_oid *ret, struct ledger *ledger, const struct build *build)
{
	const char *committed = record_get(&build->record, "Config-Tree");
	_cleanup_build_ struct build before = {0};
	int found;

	*ret = (git_oid){0};
	if (committed && git_oid_fromstr(ret, committed) == 0 && ledger_has(ledger, ret))
		return 0;
	found = find_before(&before, ledger, build);
	*ret = before.tree;
	return found < 0 ? -1 : 0;
}

/* What was committed of the build that is named, where that is known, else all of it. */
static int find_given_base(git_oid *ret, struct ledger *ledger,
	const struct settings *settings, const char *since)
{
	_cleanup_build_ struct build base = {0};
	const char *committed;

	if (reference_find(&base, ledger, settings, since) < 0)
		return -1;
	committed = record_get(&base.record, "Config-Tree");
	if (!committed || git_oid_fromstr(ret, committed) < 0 || !ledger_has(ledger, ret))
		*ret = base.tree;
	return 0;
}

static int show_patch(const struct context *context, const char *since,
	struct ledger *ledger, const struct build *build, char *const *paths, size_t len)
{
	_cleanup_free_ char *text = NULL;
	size_t text_len;
	git_oid base;

	if (!build_has_snapshot(build)) {
		error("build %" PRIu64 " has no snapshot", build_number(build));
		return EXIT_OWN_FAILURE;
	}
	if ((since ? find_given_base(&base, ledger, context->settings, since)
		   : find_patch_base(&base, ledger, build)) < 0 ||
		patch_make(&text, &text_len, ledger,
			git_oid_is_zero(&base) ? NULL : &base, &build->tree, paths,
			len) < 0)
		return EXIT_OWN_FAILURE;
	print_bytes(text, text_len);
	return 0;
}

static int print_directory(const git_tree *tree)
{
	for (size_t i = 0; i < git_tree_entrycount(tree); i++) {
		const git_tree_entry *entry = git_tree_entry_byindex(tree, i);
		const char *name = git_tree_entry_name(entry);
		_cleanup_free_ char *clean = text_clean(name, strlen(name));

		printf("%s%s\n", clean,
			git_tree_entry_type(entry) == GIT_OBJECT_TREE ? "/" : "");
	}
	return 0;
}

/* A file of the snapshot as it was, or what a directory held. */
static int show_path(struct ledger *ledger, const struct build *build, const char *path)
{
	_cleanup_git_(tree) git_tree *root = NULL;
	_cleanup_git_(tree_entry) git_tree_entry *entry = NULL;
	_cleanup_git_(object) git_object *object = NULL;

	if (git_tree_lookup(&root, ledger->repository, &build->tree) < 0) {
		git_failed("cannot read the snapshot of build %" PRIu64,
			build_number(build));
		return EXIT_OWN_FAILURE;
	}
	if (git_tree_entry_bypath(&entry, root, path) < 0) {
		error("build %" PRIu64 " has no '%s'", build_number(build), path);
		return EXIT_OWN_FAILURE;
	}
	if (git_tree_entry_to_object(&object, ledger->repository, entry) < 0) {
		error("'%s' is no file of the record (a submodule?)", path);
		return EXIT_OWN_FAILURE;
	}
	if (git_object_type(object) == GIT_OBJECT_TREE)
		return print_directory((const git_tree *)object);
	print_bytes(git_blob_rawcontent((const git_blob *)object),
		(size_t)git_blob_rawsize((const git_blob *)object));
	return 0;
}

static int show_output(const struct context *context, const struct build *build)
{
	_cleanup_free_ char *path = log_path(context->settings, build_number(build));
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (log_read(&text, &len, path) < 0) {
		error_errno(
			"cannot show the output of build %" PRIu64, build_number(build));
		return EXIT_OWN_FAILURE;
	}
	print_bytes(text, len);
	return 0;
}

static int run(const struct context *context, int argc, char **argv)
{
	struct command_options options = {0};
	_cleanup_ledger_ struct ledger *ledger = NULL;
	_cleanup_build_ struct build build = {0};
	int operand = command_parse_options(&options, &command_show, "jpos", argc, argv);
	const size_t paths = operand < 0 ? 0 : (size_t)(argc - operand - 1);

	if (operand < 0)
		return EXIT_USAGE;
	if (operand == argc || options.json + options.patch + options.output > 1 ||
		(paths && (options.json || options.output)) ||
		(paths > 1 && !options.patch) || (options.since && !options.patch))
		return command_usage(&command_show);
	ledger = reference_ledger(context->settings);
	if (!ledger ||
		reference_find(&build, ledger, context->settings, argv[operand]) < 0)
		return EXIT_OWN_FAILURE;
	if (options.patch)
		return show_patch(context, options.since, ledger, &build,
			argv + operand + 1, paths);
	if (options.output)
		return show_output(context, &build);
	if (paths)
		return show_path(ledger, &build, argv[operand + 1]);
	return show_record(ledger, &build, options.json);
}

const struct command command_show = {"show",
	"BUILD [PATH] | BUILD --patch [--since BUILD] [PATH ...] | BUILD --output | BUILD --json",
	"one build: its record, a file of it, its patch, its output", run};
