#pragma once
/*
 * What a judgement found, in words. Lines of one path and one build are listed together:
 * "web.nix: lacks 2 lines (line 14: "a"; line 15: "b") (build 43 by alpha)".
 */
#include "guard/judge.h"

/* Prints the findings of one verdict, at most shown and a count; returns how many there
 * are. */
size_t findings_say(const struct verdict *verdict, enum item_verdict wanted,
	const char *prefix, size_t shown);

/*
 * Adds the first few reasons for a refusal, each after "; ". named: the build that was
 * already named; 0: none.
 */
void findings_put_refused(
	struct strbuf *out, const struct verdict *verdict, uint64_t named);
