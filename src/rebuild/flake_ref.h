#pragma once
/*
 * A flake reference taken apart: REF[?QUERY][#ATTR]. Only its shape is judged, nothing is
 * looked up (Nix manual, "Flake references").
 */
#include "base/macro.h"

enum flake_ref_type {
	FLAKE_REF_PATH,            /* a plain path: Nix looks for .git above it */
	FLAKE_REF_WHOLE_DIRECTORY, /* path:... */
	FLAKE_REF_GIT,             /* git+file:... */
	FLAKE_REF_REGISTRY,        /* a name that the flake registry resolves */
	FLAKE_REF_REMOTE,          /* any other URL */
};

struct flake_ref {
	enum flake_ref_type type;
	char *url;                  /* without the attribute, for REGISTRY and REMOTE */
	char *path;                 /* for the local types */
	char *attr;                 /* NULL without one */
	char *dir, *ref, *revision; /* from the query: dir=, ref=, rev= */
	bool submodules;            /* submodules=1 or true */
};

void flake_ref_parse(struct flake_ref *ret, const char *text);
void flake_ref_free(struct flake_ref *ref);
#define _cleanup_flake_ref_ _cleanup_(flake_ref_free)
