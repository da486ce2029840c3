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
# Tests run beside each other: one that kills by a pattern kills another's.
# shellcheck disable=SC2016
if grep -nE '(pkill|killall)\b' tests/cli/*.bats tests/cli/helpers.bash |
	grep -vE 'pkill[^|;]* (-P |-f "\$ROOT)'; then
	echo "these lines kill what is not theirs: record the pid, or use kill_runs (tests/cli/helpers.bash)" >&2
	exit 1
fi
