#pragma once
/*
 * Which configuration a request builds, found without running Nix: the rules are those of
 * nixos-rebuild(8) and of Nix' flake references ("nix flake --help"). What is no local
 * directory (a remote flake, a registry name, a store path, a rollback) has kind
 * CONFIGURATION_ELSEWHERE and says why.
 */
#include "rebuild/request.h"

enum configuration_kind {
	CONFIGURATION_ELSEWHERE, /* not a local directory: no snapshot */
	CONFIGURATION_GIT_FLAKE, /* Nix reads the files that git tracks, as they are on
				    disk */
	CONFIGURATION_COMMIT,    /* a flake pinned to ref or rev: Nix reads that commit */
	CONFIGURATION_DIRECTORY, /* Nix reads whatever lies there: path: flake, no flake
				  */
};

struct configuration {
	enum configuration_kind kind;
	char *root; /* absolute, no symlinks; the git checkout where there is one */
	char *name; /* as records name it: git+file:///etc/nixos?dir=x#host, a file, a URL
		     */
	char *lock_file; /* the flake's flake.lock, relative to root; NULL: no flake */
	char *revision;  /* CONFIGURATION_COMMIT: the ref or rev */
	bool is_git;     /* root has an entry .git */
	bool is_flake;
	bool submodules; /* asked for by the reference or flake.nix: their content is read
			  */
	const char *why_elsewhere; /* in words, for CONFIGURATION_ELSEWHERE */
};

void configuration_find(struct configuration *ret, const struct request *request);
/* The same; if the request names none and the machine has none, the flake around the
 * current directory. */
void configuration_find_here(struct configuration *ret, const struct request *request);
void configuration_free(struct configuration *configuration);
#define _cleanup_configuration_ _cleanup_(configuration_free)

/*
 * A path of the configuration, relative to its root: from where the caller stands, or
 * absolute; "" for the root itself. One that lies elsewhere is taken as it stands. The
 * caller frees.
 */
char *path_in_configuration(const char *root, const char *word) _must_check_;

/* The same in the configuration where the caller stands. */
char *path_from_here(const char *word) _must_check_;
