#pragma once
/* Says what a judgement found, and decides what follows from it. */
#include "guard/guard.h"

/* Says the judgement; 0 if the call may go on, else EXIT_REFUSED. */
int refusal_decide(
	const struct guard *guard, struct build *build, bool arriving) _must_check_;

/*
 * Adds "it would take away what is live: build 43 by alpha ...", short, for those who ask
 * beforehand. Adds nothing if the call passes.
 */
void refusal_put_summary(struct strbuf *out, const struct guard *guard);

/* Prints warnings and notes: what the build would do without being refused for it. */
void refusal_say_notes(const struct guard *guard);

/* If a switch is refused, prints the command that brings everybody's work in. */
void refusal_say_way_out(const struct guard *guard);

/* Whether given (may be NULL) names exactly the builds in names (sorted, "43,44"). More
 * is not accepted, or callers could make it a habit to allow everything. */
bool refusal_is_allowed(const char *given, const char *names);
