#pragma once
/*
 * The difference of two recorded trees as a patch that "git apply --3way" takes: full
 * ids, modes, binary content. Its bytes are the files' own and must not reach a terminal
 * as they are.
 */
#include "ledger/ledger.h"

/* paths: only these and what lies below them; len 0: all. The caller frees *ret. */
int patch_make(char **ret, size_t *ret_len, struct ledger *ledger,
	const git_oid *old_tree, const git_oid *new_tree, char *const *paths,
	size_t paths_len) _must_check_;
