#include <inttypes.h>

#include "base/message.h"
#include "base/text.h"
#include "changes/describe.h"
#include "changes/tree_diff.h"
#include "commands/command.h"
#include "commands/fates.h"
#include "ledger/builds.h"
#include "run/log.h"
#include "run/orphans.h"
#include "snapshot/stub.h"

/* The last build of its target before it that has a snapshot. */
static int find_before(
	struct build *ret, struct ledger *ledger, const struct build *build)
{
	struct build_walk walk = builds_walk_before(ledger, build);

	return builds_next(ret, &walk);
}

static int print_json(const struct build *build, const struct fate *fate,
	const struct build *before, const struct path_changes *changes)
{
	json_t *object = json_answer(), *paths = json_array();
	json_t *record = json_record(build);

	json_object_update(object, record);
	json_decref(record);
	fate_put_json(object, fate);
	json_object_set_new(object, "compared_with",
		before ? json_integer((json_int_t)before->number) : json_null());
	for (size_t i = 0; i < changes->len; i++)
		json_array_append_new(paths, json_path_change(&changes->list[i]));
	json_object_set_new(object, "changes", paths);
	return json_print(object);
}

/* What people ask for most comes first; the rest in the order of the record. */
static const char *const first_keys[] = {
	"Build", "Outcome", "Agent", "Action", "Message", NULL};
/* Keys that nobody asks for. */
static const char *const hidden_keys[] = {"Config-Tree", "Environment", "Numbers-Given",
	"Stdout", "Stdout-Size", "Ticket", NULL};

/* What others have written: in quotes, so that it cannot pass for our own words. */
#define QUOTED_GROWTH 4
static const char *const quoted_keys[] = {"Message", "Config-Subject", "Nix-Error", NULL};

static void print_field(const struct build *build, const struct build_field *field)
{
	_cleanup_free_ char *value = build_field_text(build, field);
	_cleanup_free_ char *quoted =
		value && text_is_among(field->key, quoted_keys)
			? text_quote(value, strlen(value) * QUOTED_GROWTH)
			: NULL;

	if (value)
		answer("%-22s %s", field->key, quoted ? quoted : value);
}

static void print_fields(const struct build *build)
{
	for (size_t i = 0; first_keys[i]; i++)
		for (size_t j = 0; j < build_fields_len; j++)
			if (streq(build_fields[j].key, first_keys[i]))
				print_field(build, &build_fields[j]);
	for (size_t i = 0; i < build_fields_len; i++)
		if (!text_is_among(build_fields[i].key, first_keys) &&
			!text_is_among(build_fields[i].key, hidden_keys))
			print_field(build, &build_fields[i]);
}

static int print_text(const struct build *build, const struct fate *fate,
	const struct build *before, const struct path_changes *changes,
	struct ledger *ledger, size_t max)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT, later = STRBUF_INIT;

	print_fields(build);
	fate_put(&later, fate);
	if (later.len)
		answer("%-22s %s", "Since then", later.text + strlen("; "));
	if (before && !changes->len)
		printf("\nthe same configuration as build %" PRIu64 "\n", before->number);
	else if (before)
		printf("\nchanged since build %" PRIu64 ":\n", before->number);
	for (size_t i = 0; i < changes->len && i < max; i++)
		if (describe_path(&text, &changes->list[i], NULL, ledger, SHOW_STAT) < 0)
			return EXIT_OWN_FAILURE;
	if (changes->len > max)
		strbuf_printf(&text,
			"and %zu more: safe-rebuild show %" PRIu64 " --json\n",
			changes->len - max, build->number);
	fwrite(text.text, 1, text.len, stdout);
	return 0;
}

/* What became of the build: later builds tell, the newest one first. */
static struct fate find_fate(
	struct ledger *ledger, const struct settings *settings, const struct build *build)
{
	struct build_walk walk = builds_walk(ledger, NULL);
	_cleanup_build_ struct build at = BUILD_INIT;
	_cleanup_fates_ struct fates fates = {0};
	struct fate fate = {0};

	if (fates_begin(&fates, ledger, settings) < 0)
		return fate;
	while (builds_next(&at, &walk) > 0) {
		fate = fates_find(&fates, &at);
		if (at.number == build->number)
			return fate;
	}
	return (struct fate){0};
}

static int show_record(struct ledger *ledger, const struct settings *settings,
	const struct build *build, bool json)
{
	struct fate fate = find_fate(ledger, settings, build);
	_cleanup_build_ struct build before = BUILD_INIT;
	_cleanup_path_changes_ struct path_changes changes = {0};
	int found = 0;

	if (build_has_snapshot(build) && !build_is_running(build))
		found = find_before(&before, ledger, build);
	if (found < 0 || (found && tree_diff(&changes, ledger->repository, &before.tree,
					   &build->tree) < 0))
		return EXIT_OWN_FAILURE;
	if (json)
		return print_json(build, &fate, found ? &before : NULL, &changes);
	return print_text(build, &fate, found ? &before : NULL, &changes, ledger,
		settings->show_lines);
}

/*
 * For a dirty build: what was not committed in it; for any other: what has changed since
 * the build before.
 */
static int find_patch_base(git_oid *ret, struct ledger *ledger, const struct build *build)
{
	_cleanup_build_ struct build before = BUILD_INIT;
	int found = 0;

	*ret = build->config_tree;
	if (git_oid_is_zero(ret) || !ledger_has(ledger, ret)) {
		found = find_before(&before, ledger, build);
		*ret = before.tree;
	}
	return found < 0 ? -1 : 0;
}

static int show_patch(const struct context *context, const char *since,
	struct ledger *ledger, const struct build *build, char **paths, size_t len)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	_cleanup_build_ struct build given = BUILD_INIT;
	git_oid base = {0};

	if (!build_has_snapshot(build))
		return fail(EXIT_OWN_FAILURE, "build %" PRIu64 " has no snapshot",
			build->number);
	if ((since ? build_by_name(&given, ledger, context->settings, since)
		   : find_patch_base(&base, ledger, build)) < 0)
		return EXIT_OWN_FAILURE;
	if (since && !build_has_snapshot(&given))
		return fail(EXIT_OWN_FAILURE, "build %" PRIu64 " has no snapshot",
			given.number);
	if (since)
		base = given.tree;
	if (patch_make(&text, ledger, git_oid_is_zero(&base) ? NULL : &base, &build->tree,
		    paths, len) < 0)
		return EXIT_OWN_FAILURE;
	if (!text.len)
		say("nothing differs%s",
			len ? " in these paths (as from the configuration's root)" : "");
	return command_print(text.text, text.len);
}

static int print_directory(const git_tree *tree)
{
	for (size_t i = 0; i < git_tree_entrycount(tree); i++) {
		const git_tree_entry *entry = git_tree_entry_byindex(tree, i);

		answer("%s%s", git_tree_entry_name(entry),
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
	_cleanup_free_ char *here = path_from_here(path);

	if (git_tree_lookup(&root, ledger->repository, &build->tree) < 0) {
		git_failed("cannot read the snapshot of build %" PRIu64, build->number);
		return EXIT_OWN_FAILURE;
	}
	/* As it is printed, else from where the caller stands. */
	if (git_tree_entry_bypath(&entry, root, path) < 0 &&
		git_tree_entry_bypath(&entry, root, here) < 0)
		return fail(EXIT_OWN_FAILURE, "build %" PRIu64 " has no '%s'",
			build->number, path);
	if (git_tree_entry_to_object(&object, ledger->repository, entry) < 0)
		return fail(EXIT_OWN_FAILURE,
			"'%s' is not stored in the snapshot (is it a submodule?)", path);
	if (git_object_type(object) == GIT_OBJECT_TREE)
		return print_directory((const git_tree *)object);
	if (stub_is((const git_blob *)object))
		return fail(EXIT_OWN_FAILURE,
			"the content of '%s' is not recorded (private or large, see "
			"safe-rebuild-ledger(5))",
			path);
	return command_print(git_blob_rawcontent((const git_blob *)object),
		(size_t)git_blob_rawsize((const git_blob *)object));
}

static int show_output(const struct context *context, const struct build *build)
{
	_cleanup_free_ char *path = log_path(context->settings, build->number);
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (log_read(&text, &len, path) < 0)
		return fail_errno(EXIT_OWN_FAILURE,
			"cannot show the output of build %" PRIu64, build->number);
	return command_print(text, len);
}

static int show(const struct context *context)
{
	const struct command_options *options = context->options;
	const struct strv *words = context->words;
	_cleanup_caller_ struct caller caller = {0};
	_cleanup_ledger_ struct ledger *ledger = NULL;
	_cleanup_build_ struct build build = BUILD_INIT;
	const size_t paths = words->len ? words->len - 1 : 0;

	if (!words->len || options->json + options->patch + options->output > 1 ||
		(paths && (options->json || options->output)) ||
		(paths > 1 && !options->patch) || (options->since && !options->patch))
		return command_usage(&command_show);
	if (command_enter(&caller, context) < 0)
		return EXIT_USAGE;
	ledger = command_ledger(context->settings);
	if (!ledger ||
		build_by_name(&build, ledger, context->settings, words->words[0]) < 0)
		return EXIT_OWN_FAILURE;
	orphan_judge(&build, context->settings);
	if (options->patch)
		return show_patch(
			context, options->since, ledger, &build, words->words + 1, paths);
	if (options->output)
		return show_output(context, &build);
	if (paths)
		return show_path(ledger, &build, words->words[1]);
	return show_record(ledger, context->settings, &build, options->json);
}

const struct command command_show = {
	.name = "show",
	.arguments = "BUILD [PATH] | BUILD --patch [--since BUILD] [PATH ...] | "
		     "BUILD --output | BUILD --json",
	.help = "one build: its record, a file of it, its patch, its output",
	.options = "--json --patch --output --since",
	.operands_max = 1000,
	.run = show,
};
