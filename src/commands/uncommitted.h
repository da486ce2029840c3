#pragma once
/*
 * Which files of the caller's configuration are not committed, with how long ago they
 * were saved. Looked at through a scratch repository, so it needs no write permission.
 */
#include "base/strv.h"
#include "ledger/ledger.h"

struct uncommitted {
	enum { UNCOMMITTED_UNKNOWN, UNCOMMITTED_KNOWN } state;
	char *root;        /* of the checkout */
	char *untracked;   /* *.nix files that git does not track, in words; NULL: none */
	struct strv paths; /* "M modules/a.nix (saved 20 s ago)", cleaned */
};

/* Unknown where there is no configuration here, or it is no git checkout. */
void uncommitted_find(
	struct uncommitted *ret, struct ledger *ledger, const struct settings *settings);
void uncommitted_free(struct uncommitted *uncommitted);
