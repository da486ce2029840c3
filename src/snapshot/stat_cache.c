#include "snapshot/stat_cache.h"

#include <stdint.h>

#include "base/file.h"
#include "base/memory.h"

#define CACHE_MAX ((size_t)256 << 20)
/* File times come from a clock that lags by up to a tick (ktime_get_coarse). */
#define CLOCK_LAG_NS 20000000

struct header {
	char magic[8]; /* with the version of the format in it */
	git_oid tree;
	uint32_t count;
	struct file_stat index; /* of git's index if it lists exactly these paths */
};

struct stored {
	struct file_stat stat;
	git_oid id;
	uint32_t path_len; /* the path follows, with a NUL */
};

static const char magic[8] = "srstat2";

struct stat_cache {
	char *data;
	size_t len, at;
	struct header header;
	uint32_t passed; /* how many stored entries come before at */
	bool differs;
	struct stored found;
};

struct stat_cache *stat_cache_read(int fd, struct worker *worker)
{
	struct stat_cache *cache = xcalloc(1, sizeof(*cache));

	if (fd > 0 && read_to_end(fd, CACHE_MAX, &cache->data, &cache->len) < 0)
		cache->len = 0;
	if (cache->len >= sizeof(cache->header))
		memcpy(&cache->header, cache->data, sizeof(cache->header));
	/* The ids are of use only while the ledger has their objects. */
	if (memcmp(cache->header.magic, magic, sizeof(magic)) != 0 ||
		!receiver_has(worker, &cache->header.tree)) {
		cache->header = (struct header){0};
		cache->len = 0;
		cache->differs = true;
	}
	cache->at = sizeof(cache->header);
	return cache;
}

void stat_cache_free(struct stat_cache *cache)
{
	if (cache)
		free(cache->data);
	free(cache);
}

/* Moves on to path; true if the cache has it (cache->found is its entry). */
static bool seek(struct stat_cache *cache, const char *path)
{
	while (cache->at + sizeof(struct stored) <= cache->len) {
		const char *stored_path = cache->data + cache->at + sizeof(struct stored);
		size_t left = cache->len - cache->at - sizeof(struct stored);
		int order;

		memcpy(&cache->found, cache->data + cache->at, sizeof(cache->found));
		if (cache->found.path_len >= left || stored_path[cache->found.path_len])
			break;
		order = strcmp(stored_path, path);
		if (order > 0)
			break;
		cache->at += sizeof(struct stored) + cache->found.path_len + 1;
		cache->passed++;
		if (order == 0)
			return true;
		cache->differs = true;
	}
	cache->differs = true;
	return false;
}

const git_oid *stat_cache_find(
	struct stat_cache *cache, const char *path, const struct file_stat *stat)
{
	if (!seek(cache, path))
		return NULL;
	if (file_stat_equals(&cache->found.stat, stat))
		return &cache->found.id;
	cache->differs = true;
	return NULL;
}

void stat_cache_compare(struct stat_cache *cache, const char *path, const git_oid *id)
{
	if (!seek(cache, path) || !git_oid_equal(&cache->found.id, id))
		cache->differs = true;
}

bool stat_cache_lists(const struct stat_cache *cache, const struct file_stat *index)
{
	return cache->header.index.mtime_ns &&
	       file_stat_equals(&cache->header.index, index);
}

size_t stat_cache_count(const struct stat_cache *cache)
{
	return cache->header.count;
}

const char *stat_cache_next_path(const struct stat_cache *cache, size_t *at)
{
	struct stored stored;
	const char *path;

	if (!*at)
		*at = sizeof(cache->header);
	if (*at + sizeof(stored) > cache->len)
		return NULL;
	memcpy(&stored, cache->data + *at, sizeof(stored));
	path = cache->data + *at + sizeof(stored);
	if (stored.path_len >= cache->len - *at - sizeof(stored) || path[stored.path_len])
		return NULL;
	*at += sizeof(stored) + stored.path_len + 1;
	return path;
}

const git_oid *stat_cache_whole_tree(struct stat_cache *cache)
{
	return cache->differs || cache->passed != cache->header.count
		       ? NULL
		       : &cache->header.tree;
}

static void put_entries(
	struct strbuf *out, const struct entries *entries, int64_t trusted_before)
{
	for (size_t i = 0; i < entries->len; i++) {
		const struct entry *entry = &entries->list[i];
		struct stored stored = {
			.stat = entry->stat,
			.id = entry->id,
			.path_len = (uint32_t)strlen(entry->path),
		};

		if (stored.stat.mtime_ns >= trusted_before ||
			stored.stat.ctime_ns >= trusted_before)
			stored.stat = (struct file_stat){0};
		strbuf_add(out, &stored, sizeof(stored));
		strbuf_add(out, entry->path, stored.path_len + 1);
	}
}

int stat_cache_write(int fd, const struct entries *entries, const git_oid *tree,
	const struct file_stat *index, int64_t taken_ns)
{
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	struct header header = {.tree = *tree, .count = (uint32_t)entries->len};

	memcpy(header.magic, magic, sizeof(magic));
	if (index->mtime_ns < taken_ns - CLOCK_LAG_NS)
		header.index = *index;
	strbuf_add(&out, &header, sizeof(header));
	put_entries(&out, entries, taken_ns - CLOCK_LAG_NS);
	return write_all(fd, out.text, out.len);
}
