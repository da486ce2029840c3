#pragma once
/*
 * One path of a three-way comparison: whether the caller's version (mine) contains what
 * the live version has changed since their common ancestor (base). It does where merging
 * the live version into mine changes nothing.
 */
#include "guard/losses.h"

struct version {
	uint32_t mode; /* 0: the path is not there */
	git_oid id;
};

struct three_way {
	git_repository *repository; /* has the objects of all three */
	/* The live version was built in another working directory: there a conflict with
	 * lines of it that are missing in mine is a loss, too. */
	bool from_elsewhere;
};

/* 1: mine contains it; 0: it does not, and *ret is what it lacks, the caller's to free or
 * to add; -1 (printed): an object cannot be read. */
int three_way_compare(struct loss *ret, const struct three_way *three_way,
	const char *path, const struct version *base, const struct version *live,
	const struct version *mine) _must_check_;

bool version_equals(const struct version *a, const struct version *b);
