#pragma once
/*
 * What a judgement has found, in words. Lines of one path and one build are told
 * together: "web.nix: lacks 2 lines (line 14: "a"; line 15: "b") (build 43 by alpha)".
 */
#include "guard/judge.h"

/* Says the findings of one verdict, at most shown lines; returns how many there are. */
size_t findings_say(const struct verdict *verdict, enum item_verdict wanted,
	const char *prefix, size_t shown);

/*
 * Adds the first few of those that are refused for, each after "; ". named: the build
 * that has been named already; 0: none.
 */
void findings_put_refused(
	struct strbuf *out, const struct verdict *verdict, uint64_t named);
