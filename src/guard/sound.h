#pragma once
/*
 * Whether a text that was merged line by line can be right. It is looked at as text: what
 * Nix says of it is known only when it is built.
 */
#include "ledger/git.h"

/* Whether the merged text has as many open brackets and strings as mine, sets nothing
 * twice, loses nothing that both set, and has each line in a block in which mine or live
 * has it. */
bool text_is_sound(
	const git_blob *mine, const git_blob *live, const char *text, size_t len);

/*
 * Which lines of a text are commands of a script or the like, whose order counts: in Nix
 * those in strings in '', in formats of settings none, else all. By number, from 1. The
 * caller frees.
 */
bool *text_find_ordered(const char *path, const git_blob *blob) _must_check_;
