#pragma once
/*
 * What a build acts on, each with a queue of its own: "system", "profile-NAME" for
 * another profile, "host-NAME" for a --target-host. The name is one component of a ref
 * and of a path; what neither allows is written as %XX.
 */
#include "rebuild/request.h"
#include "settings/settings.h"

char *target_name(const struct request *request) _must_check_;
bool target_is_local(const char *target);

/* Every target that has ever had a queue here, "system" first. */
void target_list(struct strv *ret, const struct settings *settings);

/* The directory of its lock and queue below [paths] run. The caller frees. */
char *target_directory(const struct settings *settings, const char *target) _must_check_;
