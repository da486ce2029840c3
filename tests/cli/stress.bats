# Many real processes, random kills, and newcomers that try to barge: order and exclusion are
# read off a trace.
load helpers

prepare() {
	make_repository
	cd "$CONFIG"
	# Each run notes its ticket when it starts and when it ends.
	# shellcheck disable=SC2016
	export DOUBLE='t=$(grep -l "^Child: $$ " "$ROOT"/run/safe-rebuild/queue/[0-9]* | sed "s,.*/,,"); echo "start $t" >>"$ROOT/trace"
		sleep 0.01; echo "end $t" >>"$ROOT/trace"'
}

@test "100 callers, 30 of them killed, 15 that barge: in order, one at a time, nobody forgotten" {
	timeout 280 python3 "$tests/cli/stress.py" "$SAFE_REBUILD" "$ROOT" 100 30 15
	assert_equal "$(git --git-dir "$LEDGER" for-each-ref refs/running --format=x | wc -l)" 0
}
