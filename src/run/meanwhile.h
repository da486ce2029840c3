#pragma once
/*
 * What changed in the configuration while nixos-rebuild was reading it: named, with when
 * it was saved, and recorded. A flake.lock that nixos-rebuild itself has written is no
 * such change.
 */
#include "ledger/ledger.h"
#include "run/run.h"

/* lock_file_written: when Nix said so, 0 where it did not. */
void meanwhile_note(struct run *run, struct ledger *ledger, time_t lock_file_written);
