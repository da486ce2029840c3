#pragma once
/*
 * libgit2, set up once for everything here: no configuration of a user or the system is
 * read (so that runs do not depend on HOME), written objects and refs are synced to disk,
 * and libgit2's own owner check is off, because snapshot/repository.c checks who owns a
 * repository that we read.
 *
 * libgit2's return codes are never passed on to another file (its -3 is also -ESRCH):
 * git_failed() turns one into a printed line and -1.
 */
#include <git2.h>

#include "base/macro.h"

/* Initialises libgit2. Takes milliseconds, so call it only when it is needed; may be
 * called again. */
int git_start(void) _must_check_;

/* "subject: what libgit2 says"; returns -1. */
int git_failed(const char *format, ...) _printf_(1, 2);

#define GIT_CLEANUP(type, release)                       \
	static inline void type##_cleanup(type **object) \
	{                                                \
		release(*object);                        \
	}

GIT_CLEANUP(git_repository, git_repository_free)
GIT_CLEANUP(git_commit, git_commit_free)
GIT_CLEANUP(git_tree, git_tree_free)
GIT_CLEANUP(git_blob, git_blob_free)
GIT_CLEANUP(git_object, git_object_free)
GIT_CLEANUP(git_reference, git_reference_free)
GIT_CLEANUP(git_index, git_index_free)
GIT_CLEANUP(git_odb, git_odb_free)
GIT_CLEANUP(git_odb_object, git_odb_object_free)
GIT_CLEANUP(git_packbuilder, git_packbuilder_free)
GIT_CLEANUP(git_signature, git_signature_free)
GIT_CLEANUP(git_reference_iterator, git_reference_iterator_free)
GIT_CLEANUP(git_tree_entry, git_tree_entry_free)
GIT_CLEANUP(git_patch, git_patch_free)
GIT_CLEANUP(git_diff, git_diff_free)
GIT_CLEANUP(git_revwalk, git_revwalk_free)
GIT_CLEANUP(git_reflog, git_reflog_free)
#define _cleanup_git_(type) _cleanup_(git_##type##_cleanup)
