#pragma once
/*
 * The files of a snapshot on their way into trees: paths relative to the root, added in
 * git's order (bytes of the whole path, a directory's name followed by '/').
 */
#include <stdint.h>
#include <sys/stat.h>

#include "snapshot/sender.h"

/* Tells whether a file is still the one that was read (git's index does the same). */
struct file_stat {
	int64_t mtime_ns, ctime_ns;
	uint64_t size, inode;
	uint32_t mode;
};

struct entry {
	char *path;
	uint32_t mode; /* git's: 0100644, 0100755, 0120000, 0160000 */
	git_oid id;
	struct file_stat stat; /* all zero: never to be trusted */
};

struct entries {
	struct entry *list;
	size_t len;
};

void entries_add(struct entries *entries, const char *path, uint32_t mode,
	const git_oid *id, const struct file_stat *stat);
/* The entry of the path; NULL: there is none. */
const struct entry *entries_find(const struct entries *entries, const char *path);
void entries_free(struct entries *entries);

struct file_stat file_stat_of(const struct stat *status);
bool file_stat_equals(const struct file_stat *a, const struct file_stat *b);

/* Builds all trees, sends them, and returns the root's id. */
int entries_build_tree(
	const struct entries *entries, struct worker *worker, git_oid *ret) _must_check_;
