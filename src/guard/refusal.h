#pragma once
/* What is said about losses, and what comes of them. */
#include "guard/compare.h"
#include "guard/guard.h"
#include "guard/live.h"
#include "guard/owners.h"

enum weight {
	WEIGHT_REFUSED,
	WEIGHT_WARNING, /* a conflict that nobody can judge */
	WEIGHT_OWN,     /* the caller's own work */
	WEIGHT_IGNORED, /* [guard] ignore */
};

struct refusal {
	const struct guard_call *call;
	const struct live *live;
	const struct verdict *verdict;
	bool from_elsewhere;
	struct owner *owners; /* one for each loss, as the weights */
	enum weight *weights;
	size_t refused;
	bool repeatable; /* all of it is uncommitted work of this very checkout */
};

void refusal_free(struct refusal *refusal);

/* Says what is lost; 0 where the call may go on, EXIT_REFUSED (printed) where not. */
int refusal_decide(const struct refusal *refusal);

/* The call with --allow-undo NAME, to be typed as it stands. The caller frees. */
char *refusal_command(const struct guard_call *call, const char *name) _must_check_;
