#pragma once
/*
 * Which paths differ between two trees of one repository. Directories are compared by id
 * and opened only if they differ, so the cost depends on the difference and not on the
 * size of the configuration. A rename is a deletion and an addition.
 */
#include "ledger/git.h"
#include "ledger/ledger.h"

struct path_change {
	char *path;
	uint32_t old_mode, new_mode; /* 0: the path is not there */
	git_oid old_id, new_id;
};

struct path_changes {
	struct path_change *list; /* in git's path order */
	size_t len;
};

/* Prints and returns -1 if a tree cannot be read. */
int tree_diff(struct path_changes *ret, git_repository *repository,
	const git_oid *old_tree, const git_oid *new_tree) _must_check_;
void path_changes_free(struct path_changes *changes);
#define _cleanup_path_changes_ _cleanup_(path_changes_free)

/* The change of the path; NULL: there is none. */
const struct path_change *path_changes_find(
	const struct path_changes *changes, const char *path);

/* 'A'dded, 'D'eleted, 'M'odified, 'T'ype changed. */
char path_change_letter(const struct path_change *change);

/*
 * The difference of two recorded trees as a patch for "git apply --3way": with full ids,
 * modes and binary content, without stubs (it says so). Its bytes are the files' own and
 * must not reach a terminal uncleaned. paths: only these and what lies below them; len 0:
 * all.
 */
int patch_make(struct strbuf *out, struct ledger *ledger, const git_oid *old_tree,
	const git_oid *new_tree, char **paths, size_t paths_len) _must_check_;
