#include "changes/base.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/memory.h"

char *base_describe(const struct changes *changes)
{
	_cleanup_free_ char *age = clock_age(changes->base.finished);
	const uint64_t number = changes->base.number;
	const char *agent = changes->base.agent;

	switch (changes->base_kind) {
	case BASE_OWN:
		return xasprintf("since your build %" PRIu64 " (%s)", number, age);
	case BASE_LIVE:
		return xasprintf("no build of yours yet; since build %" PRIu64
				 " by %s, live when your session began",
			number, agent);
	case BASE_OLDEST:
		return xasprintf("no build of yours yet; since build %" PRIu64
				 " by %s, the oldest recorded",
			number, agent);
	default:
		return xasprintf(
			"since build %" PRIu64 " by %s (%s)", number, agent, age);
	}
}

void base_put_not_live(struct strbuf *out, const struct changes *changes)
{
	static const char *const ends[] = {[OUTCOME_FAILED] = "failed",
		[OUTCOME_INTERRUPTED] = "was interrupted",
		[OUTCOME_CANCELLED] = "was cancelled",
		[OUTCOME_ROLLED_BACK] = "was taken back"};
	const struct build *own = &changes->base;

	if (changes->base_kind != BASE_OWN || !own->action)
		return;
	if (!build_took_effect(own)) {
		if (own->outcome < ARRAY_LEN(ends) && ends[own->outcome])
			strbuf_printf(
				out, ", but that %s %s", own->action, ends[own->outcome]);
	} else if (streq(own->action, "boot")) {
		strbuf_puts(out, ", but that was a boot, which a reboot makes live");
	} else if (!streq(own->action, "switch") && !streq(own->action, "test") &&
		   !own->back_to) {
		strbuf_printf(out, ", but that was a %s, which makes nothing live",
			own->action);
	}
}
