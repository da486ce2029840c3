#pragma once
/*
 * What is worth saying about a configuration before it is built, what changed in it while
 * nixos-rebuild was reading it, and about the machine after.
 */
#include "rebuild/system.h"
#include "run/run.h"

/* Warns where this same configuration has just failed. */
void remark_before(const struct run *run);
/* The same in words, for those who ask beforehand; NULL: it has not. Counts only builds
 * of the same action whose command line was accepted. The caller frees. */
char *remark_failed(struct ledger *ledger, const char *target, const char *action,
	const char *config, const git_oid *tree) _must_check_;

/*
 * Says and records what changed meanwhile, and when it was saved. A flake.lock that
 * nixos-rebuild itself wrote does not count. lock_file_written: when Nix said so, 0 if
 * it did not.
 */
void remark_meanwhile(struct run *run, time_t lock_file_written);

/* Says if what runs is not what boots next, or if files of the user now are root's. */
void remark_after(const struct run *run, const struct system_state *now);

/*
 * What became of the packages: [show] packages (such as "nix store diff-closures") is run
 * with the systems before and after, when the build is recorded. Its first lines are
 * said, and so kept with the build's log. The turn has ended by then, and the runner
 * lives on: whoever follows the build sees it, and the outcome after it.
 */
void remark_packages(const struct run *run, const struct system_state *before,
	const struct system_state *after);
