#!/usr/bin/env bash
# bats.sh SOURCE_ROOT: no line of a test can pass by accident. Bats stops at the first command
# that fails, but neither "! command" nor "assertion || true" ever does.
set -euo pipefail

cd "$1"
if grep -nE '^[[:space:]]*! |[{(;] *! |^[[:space:]]*(assert|refute)[a-z_]* .*\|\| *(true|:)' \
	tests/cli/*.bats tests/cli/helpers.bash; then
	echo "these lines cannot fail: use refute (tests/cli/helpers.bash)" >&2
	exit 1
fi
