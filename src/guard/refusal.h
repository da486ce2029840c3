#pragma once
/* What is said about a judgement, and what comes of it. */
#include "guard/guard.h"

/* Says the judgement; 0 if the call may go on, else EXIT_REFUSED. */
int refusal_decide(
	const struct guard *guard, struct build *build, bool arriving) _must_check_;

/*
 * "it would take away what is live: build 43 by alpha ..." in few lines, for those who
 * ask beforehand. Adds nothing where the call passes.
 */
void refusal_put_summary(struct strbuf *out, const struct guard *guard);

/* What the build would do that is no reason to refuse it: warnings and notes. */
void refusal_say_notes(const struct guard *guard);

/* Says the command that brings everybody's work in, where a switch is refused. */
void refusal_say_way_out(const struct guard *guard);

/* Whether exactly these builds, joined and sorted as above, were named: no more, so that
 * it is no habit, and no less. given may be NULL. */
bool refusal_is_allowed(const char *given, const char *names);
