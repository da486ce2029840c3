# A person stops all rebuilds for a while.
load helpers

prepare() {
	make_repository
	cd "$CONFIG" || return
}

@test "paused: 75 with who and why, for all who come and who wait; what builds goes on" {
	# shellcheck disable=SC2016
	DOUBLE='touch "$ROOT/started"; while [ ! -e "$ROOT/go" ]; do sleep 0.02; done' \
		sr --agent alpha switch --flake . 2>"$ROOT/alpha.err" &
	wait_for test -e "$ROOT/started"
	sr --agent beta switch --flake . --show-trace 2>"$ROOT/beta.err" &
	local beta=$!
	wait_for grep -q "waiting for build 1" "$ROOT/beta.err"
	person sr pause --message "moving the database"
	assert_equal "$status" 0
	assert_contains "$output" "paused by $(id -un) just now: \"moving the database\"; a running build goes on"
	run sr --agent gamma switch --flake .
	assert_equal "$status" 75
	assert_contains "$output" "rebuilds are paused by $(id -un)"
	assert_contains "$output" '"moving the database"; try again later'
	assert_contains "$(sr status)" "paused:   rebuilds are paused by $(id -un)"
	assert_contains "$(sr status --json | jq_get paused)" "moving the database"
	# who waits hears of it at once, not only when its turn comes
	status=0
	wait $beta || status=$?
	assert_equal "$status" 75
	assert_contains "$(cat "$ROOT/beta.err")" '"moving the database"; try again later'
	touch "$ROOT/go"
	ended() { [ "$(field 1 outcome 2>/dev/null)" = succeeded ]; }
	wait_for ended
	assert_equal "$(field 1 outcome)" succeeded
	# what needs no turn is not held up
	run sr --agent gamma build --flake .
	assert_equal "$status" 0
	person sr resume
	assert_contains "$output" "rebuilds can run again"
	run sr --agent gamma switch --flake .
	assert_equal "$status" 0
	person sr resume
	assert_contains "$output" "nothing was paused"
}

@test "for a time, by a person alone" {
	run sr --agent alpha pause
	assert_equal "$status" 77
	assert_contains "$output" "only a person can pause rebuilds"
	person sr pause --for 1x
	assert_equal "$status" 64
	person sr pause --message "moving the database"
	person sr pause --for 10s
	assert_like "$output" 'this replaces: paused by *: "moving the database"'
	assert_like "$output" "paused by * for * s more;"
	run sr --agent alpha switch --flake .
	assert_equal "$status" 75
	sleep 10
	run sr --agent alpha switch --flake .
	assert_equal "$status" 0
	[ "$(id -u)" = 0 ] || return 0
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
	printf '[access]\ngroup = users\n' >>"$SAFE_REBUILD_SETTINGS"
	rm -rf "$STATE" "$ROOT/run/safe-rebuild" "$ROOT/var/log/safe-rebuild"
	cp "$SAFE_REBUILD" "$ROOT/safe-rebuild"
	person sr pause
	assert_equal "$status" 0
	person setpriv --reuid 12345 --regid 12345 --groups users "$ROOT/safe-rebuild" resume
	assert_equal "$status" 77
	assert_contains "$output" "cannot resume rebuilds (use sudo)"
	run setpriv --reuid 12345 --regid 12345 --groups users "$ROOT/safe-rebuild" --agent m switch --flake .
	assert_equal "$status" 75
}
