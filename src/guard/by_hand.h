#pragma once
/*
 * Paths that no patch can set right, each with what its user has to do.
 */
#include "guard/guard.h"

enum by_hand_reason {
	BY_HAND_MIXED,    /* the caller's own lines and refused ones */
	BY_HAND_MOVED,    /* refused lines, whose neighbours are in another place now */
	BY_HAND_UNKNOWN,  /* its content is not recorded (snapshot/stub.h) */
	BY_HAND_FILTERED, /* git apply would compare it with what a filter makes of it */
	BY_HAND_COMMIT,   /* a submodule's commit */
	BY_HAND_DRAFT,    /* a file that git does not track has the name of theirs */
	BY_HAND_SUBMODULE /* a submodule whose files mine lacks */
};

struct by_hand {
	struct by_hand_path {
		char *path;
		enum by_hand_reason reason;
	} * list;
	size_t len;
};

/* Each path once. */
void by_hand_add(struct by_hand *by_hand, const char *path, enum by_hand_reason reason);
/* Whether the path is one of them, or lies below one. */
bool by_hand_has(const struct by_hand *by_hand, const char *path);
/* A line for each, of which a long list has only some. They are about what guarded
 * refuses. */
void by_hand_say(const struct by_hand *by_hand, const struct guard_call *call,
	const struct guarded *guarded);
void by_hand_free(struct by_hand *by_hand);
#define _cleanup_by_hand_ _cleanup_(by_hand_free)
