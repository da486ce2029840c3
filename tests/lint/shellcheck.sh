#!/usr/bin/env bash
# Usage: shellcheck.sh SOURCE_ROOT. Checks every shell script of the tree; skipped (77) where
# there is no shellcheck.
set -euo pipefail

command -v shellcheck >/dev/null || exit 77
cd "$1"
grep -rlE --exclude-dir='build*' --exclude-dir=.git '^#!.*\b(ba)?sh\b' . |
	xargs shellcheck --external-sources
shellcheck --shell=bash tests/cli/helpers.bash tests/system/nix-env.sh
