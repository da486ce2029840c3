#pragma once
/*
 * What stands in a snapshot for a file whose content is not recorded: outside flakes
 * those that others may not read, and large ones. It has no lines: it can be told that
 * such a file is there and was changed, and never what was in it.
 */
#include <git2.h>
#include <time.h>

#include "base/macro.h"

/* The caller frees. */
char *stub_text(uint64_t size, time_t modified) _must_check_;
/* Whether the blob (NULL: none) is one. */
bool stub_is(const git_blob *blob);
/* The same of an object, which may be none. */
bool stub_is_at(git_repository *repository, const git_oid *id);
