#pragma once
/*
 * What a build acts on: the system's profile on this machine ("system"), another profile
 * of it ("profile-NAME"), or a --target-host ("host-NAME"). Each has its own queue, last
 * build of each agent, and live system. The name is one component of a ref and of a path;
 * what neither allows is written as %XX.
 */
#include "base/strv.h"
#include "rebuild/request.h"
#include "settings/settings.h"

struct target {
	char *name;
	char *directory; /* of its lock, in [paths] run */
	char *queue;     /* of its tickets */
	char *profile;   /* the link that says what it boots; NULL: on another machine */
};

struct target target_of_request(
	const struct settings *settings, const struct request *request) _must_check_;
/* name: valid, as build_parse() checks it; NULL: the system. */
struct target target_by_name(
	const struct settings *settings, const char *name) _must_check_;
void target_free(struct target *target);
#define _cleanup_target_ _cleanup_(target_free)

bool target_is_system(const char *name);
/* Whether it is on this machine. */
bool target_is_local(const char *name);
/* "profile work", "host web1"; NULL for the system itself. The caller frees. */
char *target_describe(const char *name) _must_check_;

/* The names of all targets that have ever had a queue here, the system's first. */
struct strv target_list(const struct settings *settings) _must_check_;
