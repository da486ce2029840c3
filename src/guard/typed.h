#pragma once
/*
 * Parts of the commands that a refusal prints, as they must be typed where the caller
 * stands. Functions that return a string return a new one that the caller frees.
 */
#include "guard/judge.h"

/* "git" for a directory without git, which may lie in some other repository: the ceiling
 * keeps git apply from taking it for a part of that. */
char *typed_git_beneath(const char *root) _must_check_;
/* The same for a configuration, or plain "git" where it has one; with the directory if
 * the caller is elsewhere. */
char *typed_git(const struct configuration *configuration) _must_check_;

/* A path of the configuration: relative only if the caller stands in its root. */
char *typed_path(
	const struct configuration *configuration, const char *path) _must_check_;
