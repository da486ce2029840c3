#include "changes/lock_file.h"

#include <jansson.h>

#include "base/memory.h"
#include "base/text.h"

/* The number of digits shown of a revision. */
#define SHORT_ID 8
/* An input's name may come from anybody's flake, and be of any length. */
#define NAME_MAX_SHOWN 80
/* Begins the version of an input that follows another. */
#define FOLLOWS "follows "
/* Limits for a lock file with cycles, which Nix never writes. */
#define NODES_MAX 1000
#define PATH_LENGTH_MAX 300

static int compare_inputs(const void *a, const void *b)
{
	return strcmp(((const struct lock_input *)a)->name,
		((const struct lock_input *)b)->name);
}

static void add_version(
	struct lock_file *file, const char *name, const char *id, time_t modified)
{
	*list_add(file->inputs, file->len) = (struct lock_input){
		.name = xstrdup(name),
		.id = xstrdup(id),
		.modified = modified,
	};
}

static void add_input(struct lock_file *file, const char *name, const json_t *locked)
{
	const char *id = json_string_value(json_object_get(locked, "rev"));

	if (!id)
		id = json_string_value(json_object_get(locked, "narHash"));
	if (id)
		add_version(file, name, id,
			(time_t)json_integer_value(
				json_object_get(locked, "lastModified")));
}

/* path: of the input that it follows, as ["home-manager", "nixpkgs"]. */
static void add_followed(struct lock_file *file, const char *name, const json_t *path)
{
	_cleanup_strv_ struct strv words = {0};
	_cleanup_free_ char *followed = NULL, *id = NULL;

	for (size_t i = 0; i < json_array_size(path); i++)
		if (json_is_string(json_array_get(path, i)))
			strv_add(&words, json_string_value(json_array_get(path, i)));
	followed = strv_join(&words, "/");
	id = xasprintf(FOLLOWS "%s", followed);
	add_version(file, name, id, 0);
}

/*
 * The inputs of a node, by their paths from the root ("home-manager/nixpkgs"): the names
 * of nodes are numbered anew when inputs come and go.
 */
static void add_inputs_of(struct lock_file *file, const json_t *nodes, const json_t *node,
	const char *prefix, unsigned *visited)
{
	json_t *inputs = json_object_get(node, "inputs"), *target;
	const char *name;

	if ((*visited)++ >= NODES_MAX || strlen(prefix) > PATH_LENGTH_MAX)
		return;
	json_object_foreach(inputs, name, target)
	{
		const json_t *input = json_object_get(
			nodes, json_is_string(target) ? json_string_value(target) : "");
		_cleanup_free_ char *path = xasprintf("%s%s", prefix, name);
		_cleanup_free_ char *below = xasprintf("%s/", path);

		if (json_is_array(target))
			add_followed(file, path, target);
		if (!input)
			continue;
		add_input(file, path, json_object_get(input, "locked"));
		add_inputs_of(file, nodes, input, below, visited);
	}
}

void lock_file_parse(struct lock_file *ret, const git_blob *blob)
{
	const char *text = blob ? git_blob_rawcontent(blob) : "";
	const size_t len = blob ? (size_t)git_blob_rawsize(blob) : 0;
	json_t *file = json_loadb(text, len, 0, NULL);
	const json_t *nodes = json_object_get(file, "nodes");
	const char *root = json_string_value(json_object_get(file, "root"));
	unsigned visited = 0;

	*ret = (struct lock_file){0};
	add_inputs_of(
		ret, nodes, json_object_get(nodes, root ? root : "root"), "", &visited);
	json_decref(file);
	if (ret->len)
		qsort(ret->inputs, ret->len, sizeof(*ret->inputs), compare_inputs);
}

void lock_file_free(struct lock_file *file)
{
	for (size_t i = 0; i < file->len; i++) {
		free(file->inputs[i].name);
		free(file->inputs[i].id);
	}
	free(file->inputs);
}

const struct lock_input *lock_file_find(const struct lock_file *file, const char *name)
{
	for (size_t i = 0; i < file->len; i++)
		if (streq(file->inputs[i].name, name))
			return &file->inputs[i];
	return NULL;
}

bool lock_input_equals(const struct lock_input *a, const struct lock_input *b)
{
	return a && b ? streq(a->id, b->id) : a == b;
}

bool is_lock_file(const char *path)
{
	return streq(path, "flake.lock") || ends_with(path, "/flake.lock");
}

/* The day of a version; its id too if the other has the same day; only that without one.
 */
static char *version(const struct lock_input *input, const struct lock_input *other)
{
	char day[sizeof("2026-11-22")] = "";
	char other_day[sizeof(day)] = "";
	struct tm time;

	if (input->modified && gmtime_r(&input->modified, &time))
		(void)!strftime(day, sizeof(day), "%F", &time);
	if (other && other->modified && gmtime_r(&other->modified, &time))
		(void)!strftime(other_day, sizeof(other_day), "%F", &time);
	if (starts_with(input->id, FOLLOWS)) {
		_cleanup_free_ char *followed =
			text_name(input->id + strlen(FOLLOWS), NAME_MAX_SHOWN);

		return xasprintf(FOLLOWS "%s", followed);
	}
	if (!*day)
		return xasprintf("%.*s", SHORT_ID, input->id);
	if (streq(day, other_day))
		return xasprintf("%s (%.*s)", day, SHORT_ID, input->id);
	return xstrdup(day);
}

char *lock_input_describe(const struct lock_input *old, const struct lock_input *new)
{
	_cleanup_free_ char *before = old ? version(old, new) : NULL;
	_cleanup_free_ char *after = new ? version(new, old) : NULL;
	_cleanup_free_ char *name =
		text_name(new ? new->name : old->name, NAME_MAX_SHOWN);

	if (!old)
		return xasprintf("added %s %s", name, after);
	if (!new)
		return xasprintf("removed %s %s", name, before);
	return xasprintf("%s %s -> %s", name, before, after);
}

static void put(
	struct strbuf *out, const struct lock_input *old, const struct lock_input *new)
{
	strbuf_put_owned(out, out->len ? "; " : "", lock_input_describe(old, new));
}

char *lock_file_describe(const struct lock_file *old, const struct lock_file *new)
{
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;

	for (size_t i = 0; i < new->len; i++) {
		const struct lock_input *before =
			lock_file_find(old, new->inputs[i].name);

		if (!lock_input_equals(before, &new->inputs[i]))
			put(&out, before, &new->inputs[i]);
	}
	for (size_t i = 0; i < old->len; i++)
		if (!lock_file_find(new, old->inputs[i].name))
			put(&out, &old->inputs[i], NULL);
	return out.len ? strbuf_take(&out) : NULL;
}
