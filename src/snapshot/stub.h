#pragma once
/*
 * What stands in a snapshot for a file whose content is not recorded: outside flakes,
 * files that others may not read, and large ones. It shows that the file is there and
 * whether it was changed, but never what is in it.
 */
#include <git2.h>
#include <time.h>

#include "base/macro.h"

/* The caller frees. */
char *stub_text(uint64_t size, time_t modified) _must_check_;
/* Whether the blob (NULL: none) is one. */
bool stub_is(const git_blob *blob);
/* The same for an object, which may be missing or not a blob. */
bool stub_is_at(git_repository *repository, const git_oid *id);
