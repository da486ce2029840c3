#pragma once
/*
 * Remembers for one configuration and user which content each file had, so that unchanged
 * files are not read again: STATE/cache/ID-UID.stat. If it is missing, damaged or another
 * user's, that only costs time. As in git's index ("racy git"), a file that may have
 * changed while it was read (its times are not older than the reading) is stored as never
 * to be trusted.
 *
 * Look-ups must come in git's path order: the cache is read once from front to back.
 */
#include "snapshot/entries.h"

struct stat_cache;

/*
 * Reads it from fd, which stays open; 0: there is none. Never fails: without a usable
 * file the cache is empty.
 */
struct stat_cache *stat_cache_read(int fd, struct worker *worker);
void stat_cache_free(struct stat_cache *cache);

/* The id of the file's content when it had this stat; NULL: not known. */
const git_oid *stat_cache_find(
	struct stat_cache *cache, const char *path, const struct file_stat *stat);
/* For entries without a stat (submodules): notes whether it has changed, for
 * stat_cache_whole_tree(). */
void stat_cache_compare(struct stat_cache *cache, const char *path, const git_oid *id);

/*
 * Whether the cached paths are still all that git's index lists: the index had this stat
 * when they were listed, and all its files were there. Saves parsing it.
 */
bool stat_cache_lists(const struct stat_cache *cache, const struct file_stat *index);
size_t stat_cache_count(const struct stat_cache *cache);
/* The cached paths from the first on: start with *at 0; valid as long as the cache. */
const char *stat_cache_next_path(const struct stat_cache *cache, size_t *at);

/* The cached tree, if the look-ups found each of its entries unchanged and nothing else;
 * else NULL. */
const git_oid *stat_cache_whole_tree(struct stat_cache *cache);

/*
 * Writes a new one to fd. index is the stat of the index that lists exactly these
 * entries; all zero: none does. -1 (silent) on error: the next run is only slower.
 */
int stat_cache_write(int fd, const struct entries *entries, const git_oid *tree,
	const struct file_stat *index, int64_t taken_ns);

static inline void stat_cache_cleanup(struct stat_cache **cache)
{
	stat_cache_free(*cache);
}
#define _cleanup_stat_cache_ _cleanup_(stat_cache_cleanup)
