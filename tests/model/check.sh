#!/usr/bin/env bash
# check.sh SOURCE_ROOT [large]: checks the model of the ticket queue exhaustively, and that it
# finds the two known mistakes; large: with four callers that leave and come back. Skipped (77)
# where there is no spin.
set -euo pipefail

command -v spin >/dev/null || exit 77
model=$1/tests/model/queue.pml
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"

# check NAME DEFINES ...: the verifier's report in NAME.out.
check() {
	local name=$1
	shift
	spin -a "$@" "$model" >/dev/null
	cc -O2 -w -DSAFETY -DMEMLIM=6000 -DCOLLAPSE -DVECTORSZ=2048 -o "$name" pan.c
	"./$name" -m1000000 -w26 >"$name.out"
	grep -E 'errors:|states, stored|elapsed' "$name.out" | sed "s/^/$name: /"
}

failed=0

# right NAME DEFINES ...: the search is complete and finds nothing.
right() {
	check "$@"
	if ! grep -q 'errors: 0' "$1.out" || grep -q 'not completed\|too small' "$1.out"; then
		cat "$1.out"
		failed=1
	fi
}

# wrong NAME ASSERTION DEFINES ...: the mistake is found, by this assertion.
wrong() {
	check "$1" "${@:3}"
	if ! grep -q "assertion violated *$2" "$1.out"; then
		cat "$1.out"
		echo "the model does not find the mistake $1"
		failed=1
	fi
}

if [ "${2:-}" = large ]; then
	right four-leaving -DCALLERS=4 -DLEAVES=1 -DNO_CRASHES
	exit $failed
fi
right four -DCALLERS=4 -DLEAVES=0
right leaving -DCALLERS=3 -DLEAVES=2
wrong counted '!(locked\[other\])' -DCOUNTED -DCALLERS=4 -DLEAVES=0
wrong no-retry '!.*place\[i\]<place\[me\]' -DNO_RETRY -DCALLERS=3 -DLEAVES=0
exit $failed
