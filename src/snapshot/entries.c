#include "snapshot/entries.h"

#include "base/clock.h"
#include "base/memory.h"

void entries_add(struct entries *entries, const char *path, uint32_t mode,
	const git_oid *id, const struct file_stat *stat)
{
	*list_add(entries->list, entries->len) = (struct entry){
		.path = xstrdup(path),
		.mode = mode,
		.id = *id,
		.stat = stat ? *stat : (struct file_stat){0},
	};
}

static int compare_path(const void *path, const void *entry)
{
	return strcmp(path, ((const struct entry *)entry)->path);
}

const struct entry *entries_find(const struct entries *entries, const char *path)
{
	return entries->len ? bsearch(path, entries->list, entries->len,
				      sizeof(*entries->list), compare_path)
			    : NULL;
}

void entries_free(struct entries *entries)
{
	for (size_t i = 0; i < entries->len; i++)
		free(entries->list[i].path);
	free(entries->list);
	*entries = (struct entries){0};
}

struct file_stat file_stat_of(const struct stat *status)
{
	return (struct file_stat){
		.mtime_ns = clock_nanoseconds(&status->st_mtim),
		.ctime_ns = clock_nanoseconds(&status->st_ctim),
		.size = (uint64_t)status->st_size,
		.inode = status->st_ino,
		.mode = status->st_mode,
	};
}

bool file_stat_equals(const struct file_stat *a, const struct file_stat *b)
{
	return a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns &&
	       a->size == b->size && a->inode == b->inode && a->mode == b->mode;
}

/*
 * One tree object, of the entries from *at on that have the first prefix_len bytes of
 * their paths (with the slash) in common. Moves *at behind them.
 */
static int build_directory(const struct entries *entries, size_t *at, size_t prefix_len,
	struct worker *worker, git_oid *ret)
{
	const char *prefix = entries->len ? entries->list[*at].path : "";
	_cleanup_strbuf_ struct strbuf tree = STRBUF_INIT;

	while (*at < entries->len) {
		const struct entry *entry = &entries->list[*at];
		const char *name = entry->path + prefix_len, *slash;
		git_oid id = entry->id;

		if (strncmp(entry->path, prefix, prefix_len) != 0)
			break;
		slash = strchr(name, '/');
		if (!slash) {
			(*at)++;
			strbuf_printf(&tree, "%o %s", entry->mode, name);
		} else {
			size_t below = (size_t)(slash - entry->path) + 1;

			if (build_directory(entries, at, below, worker, &id) < 0)
				return -1;
			strbuf_printf(&tree, "%o %.*s", GIT_FILEMODE_TREE,
				(int)(slash - name), name);
		}
		strbuf_putc(&tree, '\0');
		strbuf_add(&tree, id.id, GIT_OID_RAWSZ);
	}
	return send_object(worker, tree.text, tree.len, GIT_OBJECT_TREE, ret);
}

int entries_build_tree(const struct entries *entries, struct worker *worker, git_oid *ret)
{
	size_t at = 0;

	return build_directory(entries, &at, 0, worker, ret);
}
