load helpers

prepare() {
	make_repository
	cd "$CONFIG"
	# shellcheck disable=SC2016
	export DOUBLE='echo first; touch "$ROOT/started"
		while [ ! -e "$ROOT/go" ]; do sleep 0.05; done; echo last >&2; exit ${EXIT:-0}'
}

start() {
	"$SAFE_REBUILD" --agent "${1:-a}" "${2:-switch}" >/dev/null 2>&1 &
	wait_for test -e "$ROOT/started"
}

@test "attach shows a running build from its first line and exits with its outcome" {
	EXIT=4 start
	"$SAFE_REBUILD" attach >"$ROOT/attached" &
	attached=$!
	wait_for grep -q first "$ROOT/attached"
	touch "$ROOT/go"
	wait $attached && status=0 || status=$?
	assert_equal "$status" 4
	assert_equal "$(sed 1d "$ROOT/attached")" "$(printf '%s\n' first last \
		"safe-rebuild: switch failed: build 1, 0 s, exit status 4" |
		sed "s/0 s/$(grep -o '[0-9]* s,' "$ROOT/attached" | tr -d ,)/")"
}

@test "attach to a build that has ended" {
	touch "$ROOT/go"
	sr --agent a switch >/dev/null 2>&1
	EXIT=3 sr --agent b switch >/dev/null 2>&1 || true
	run sr attach 1
	assert_equal "$status" 0
	assert_contains "$output" last
	run sr attach
	assert_equal "$status" 3
	run sr attach @a
	assert_equal "$status" 0
}

@test "attach without a number prefers my own running build" {
	start a build
	rm "$ROOT/started"
	start b build
	timeout 20 "$SAFE_REBUILD" --agent b attach >"$ROOT/attached" &
	attached=$!
	wait_for grep -q "build 2 by b" "$ROOT/attached"
	touch "$ROOT/go"
	wait $attached
}

@test "many attach at once, one is killed: the build does not care" {
	start
	for i in 1 2 3; do
		"$SAFE_REBUILD" attach 1 >"$ROOT/attached.$i" &
		pids[i]=$!
	done
	wait_for grep -q first "$ROOT/attached.3"
	kill -KILL "${pids[2]}"
	touch "$ROOT/go"
	wait "${pids[1]}" "${pids[3]}"
	cmp "$ROOT/attached.1" "$ROOT/attached.3"
}

@test "wrong words" {
	run sr attach
	assert_equal "$status" 125
	assert_contains "$output" "nothing is recorded yet"
	touch "$ROOT/go"
	sr --agent a switch
	run sr attach 7
	assert_equal "$output" "safe-rebuild: there is no build '7'"
	run sr attach rubbish
	assert_contains "$output" "'rubbish' is not the name of a build"
	run sr attach 1 2
	assert_equal "$status" 64
}

@test "a reader that goes away is no sign that the build did" {
	start
	sr attach 1 | head -n 1
	(
		status=0
		sr attach 1 >/dev/full 2>"$ROOT/err" || status=$?
		echo "$status" >"$ROOT/status"
	) &
	sleep 0.3
	touch "$ROOT/go"
	wait_for test -s "$ROOT/status"
	assert_equal "$(cat "$ROOT/status")" 120
	refute_contains "$(cat "$ROOT/err")" interrupted
}

@test "a build whose runner was killed is not what attach follows" {
	start dead
	kill -KILL "$(sed -n 's/^Runner: \([0-9]*\) .*/\1/p' "$ROOT"/run/safe-rebuild/queue/*)"
	rm "$ROOT/started"
	"$SAFE_REBUILD" --agent b build >/dev/null 2>&1 &
	wait_for test -e "$ROOT/started"
	timeout 20 "$SAFE_REBUILD" --agent c attach >"$ROOT/attached" &
	attached=$!
	wait_for grep -q "build 2 by b" "$ROOT/attached"
	touch "$ROOT/go"
	wait $attached
}

@test "a reader that stalls makes attach deaf to no signal" {
	# shellcheck disable=SC2016
	DOUBLE='seq 1 100000; touch "$ROOT/started"; while [ ! -e "$ROOT/go" ]; do sleep 0.05; done' start
	mkfifo "$ROOT/pipe"
	# holds the pipe open and reads nothing
	exec 7<>"$ROOT/pipe"
	for signal in TERM HUP; do
		"$SAFE_REBUILD" attach 1 >"$ROOT/pipe" 2>"$ROOT/err" 7>&- &
		attached=$!
		sleep 0.5
		kill -s $signal $attached
		wait_for sh -c "! kill -0 $attached 2>/dev/null"
		wait $attached && status=0 || status=$?
		assert_equal "$status" $((128 + $(kill -l $signal)))
		assert_contains "$(cat "$ROOT/err")" "build 1 goes on"
	done
	exec 7>&-
	touch "$ROOT/go"
}

@test "attach to a build whose runner was killed says so, before and after it is recorded" {
	start
	kill -KILL "$(sed -n 's/^Runner: \([0-9]*\) .*/\1/p' "$ROOT"/run/safe-rebuild/queue/*)"
	run sr attach 1
	assert_equal "$status" 125
	assert_contains "$output" "the runner of build 1 was killed, and nixos-rebuild goes on"
	touch "$ROOT/go"
	sr --agent b switch >/dev/null 2>&1
	assert_equal "$(field 1 outcome)" interrupted
	run sr attach 1
	assert_equal "$status" 125
	assert_contains "$output" "build 1 was interrupted: its runner was killed"
}

@test "a runner that nobody has waited for is over, as where a container has no init" {
	unshare --pid --fork --mount-proc true 2>/dev/null || skip "no pid namespaces here"
	cat >"$ROOT/init.py" <<-'PY'
		import os, subprocess, sys, time
		subprocess.Popen([sys.argv[1], "--agent", "a", "switch"])
		while not os.path.exists(os.environ["ROOT"] + "/started"):
		    time.sleep(0.02)
		follower = subprocess.Popen([sys.argv[1], "attach"])
		time.sleep(0.3)
		open(os.environ["ROOT"] + "/go", "w").close()
		sys.exit(follower.wait(30))
	PY
	run unshare --pid --fork --kill-child --mount-proc python3 "$ROOT/init.py" "$SAFE_REBUILD"
	assert_equal "$status" 0
	assert_contains "$output" "switch succeeded: build 1"
}
