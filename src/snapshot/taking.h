#pragma once
/*
 * The state of one snapshot while it is taken, shared by the ways to find files
 * (tracked.c, walk.c). Files are opened only beneath root_fd, and no symbolic link is
 * ever followed.
 */
#include "base/strv.h"
#include "rebuild/configuration.h"
#include "record/record.h"
#include "snapshot/entries.h"
#include "snapshot/stat_cache.h"

/* A larger file becomes a stub, see struct taking. */
#define UNSTUBBED_MAX ((uint64_t)1 << 20)

struct taking {
	int root_fd;
	struct worker *worker; /* what is found is sent through it */
	struct stat_cache *cache;
	struct entries entries;
	/*
	 * Outside flakes nothing says that others may see a file: one that they cannot
	 * read, or that is large, is recorded as a stub (size and time).
	 */
	bool stubs;
	bool with_untracked; /* except what builds and editors leave there */
	bool hidden; /* what is added now is in a directory that others cannot enter */
	bool any_hidden; /* something was */
	bool has_submodules;
	uint64_t bytes;         /* read so far */
	struct file_stat index; /* of git's index if it lists exactly these entries */
	struct strv left_out;   /* files that are not in the snapshot */
	char *left_out_example; /* "PATH: why" */
};

/*
 * Adds the regular file or symbolic link at path, which had this status. What cannot be
 * taken (unreadable, not a file, too large) is counted as left out; -1 (printed) only if
 * its content cannot be hashed.
 */
int taking_add_file(
	struct taking *taking, const char *path, const struct stat *status) _must_check_;

/* Adds a submodule's commit. */
void taking_add_submodule(struct taking *taking, const char *path, const git_oid *commit);

/* Whether a regular file is recorded as a stub, if it is in a directory that others
 * cannot enter (hidden) or not. */
bool taking_is_stubbed(
	const struct taking *taking, bool hidden, uint64_t size, uint32_t mode);
int taking_leave_out(struct taking *taking, const char *path, const char *why);
/* Whether the snapshot has its maximum size: no more files are added. */
bool taking_is_full(const struct taking *taking);

/* The files that git tracks, with the bytes they have on disk. */
int take_tracked_files(
	struct taking *taking, git_repository *repository, bool submodules) _must_check_;
/* Every file; with a repository, only those that it tracks or does not ignore. */
int take_all_files(struct taking *taking, git_repository *repository) _must_check_;
/* Whether they are what HEAD has, with submodules read as directories. */
bool is_as_committed(const struct entries *entries, git_repository *repository);
/*
 * The tree of HEAD, in which files that differ only by a filter, or as a stub, are as on
 * disk; the tree is sent. Zero if there are no such files; prints and returns -1 if HEAD
 * cannot be read.
 */
int filtered_tree(git_oid *ret, const struct taking *taking,
	git_repository *repository) _must_check_;
/* Sets Untracked in the answer to the names of untracked files, in words, if there are
 * any. */
void untracked_describe(
	struct record *answer, const struct taking *taking, git_repository *repository);
