load helpers

prepare() {
	make_repository
	cd "$CONFIG"
	# Runs until $ROOT/go appears; then, unless told otherwise, ends well.
	# shellcheck disable=SC2016
	export DOUBLE='echo started; touch "$ROOT/started"
		while [ ! -e "$ROOT/go" ]; do sleep 0.05; done; echo ended'
}

# What a test that failed has left.
cleanup() {
	touch "$ROOT/go"
}

start_agent() {
	"$SAFE_REBUILD" --agent a switch --flake . >"$ROOT/front.out" 2>"$ROOT/front.err" &
	front=$!
	wait_for test -e "$ROOT/started"
	# It knows the number as soon as it follows.
	wait_for grep -q "build 1 by" "$ROOT/front.err"
}

finish() {
	touch "$ROOT/go"
	wait_for sh -c "! git --git-dir '$LEDGER' rev-parse -q --verify refs/running/1"
}

# ended_by SIGNAL: an agent's front ends at once, says so, and the build goes on.
agents_front_ended_by() {
	start_agent
	kill -s "$1" $front
	wait $front && status=0 || status=$?
	assert_equal "$status" "$2"
	assert_contains "$(cat "$ROOT/front.err")" \
		"this call has ended, but build 1 goes on: safe-rebuild attach 1 (do not start the build again)"
	assert_like "$(sr status)" "building: build 1 by a (switch --flake .), evaluating for * s"
	finish
	assert_equal "$(field 1 outcome)" succeeded
	assert_contains "$(cat "$ROOT/var/log/safe-rebuild/1.log")" ended
}

@test "TERM ends an agent's front only" {
	agents_front_ended_by TERM 143
}

@test "HUP ends an agent's front only" {
	agents_front_ended_by HUP 129
}

@test "SIGKILL on the front changes nothing" {
	start_agent
	kill -KILL $front
	wait $front || true
	finish
	assert_equal "$(field 1 outcome)" succeeded
}

@test "SIGKILL on the front's whole process group changes nothing" {
	setsid "$SAFE_REBUILD" --agent a switch --flake . >/dev/null 2>&1 &
	front=$!
	wait_for test -e "$ROOT/started"
	kill -KILL -- -$front
	wait $front || true
	finish
	assert_equal "$(field 1 outcome)" succeeded
	assert_contains "$(cat "$ROOT/var/log/safe-rebuild/1.log")" ended
}

@test "TERM to every descendant of the agent, as Claude Code does, changes nothing" {
	start_agent
	pkill -TERM -P $$ -f 'safe-rebuild.*--agent a' || true
	wait $front || true
	finish
	assert_equal "$(field 1 outcome)" succeeded
}

@test "when the front goes, nothing keeps its stdout and stderr open" {
	mkfifo "$ROOT/pipe"
	timeout 20 cat "$ROOT/pipe" >"$ROOT/seen" &
	reader=$!
	"$SAFE_REBUILD" --agent a switch --flake . >"$ROOT/pipe" 2>&1 &
	front=$!
	wait_for test -e "$ROOT/started"
	kill -TERM $front
	wait $front || true
	# cat only ends when the last writer has closed the pipe
	wait_for sh -c "! kill -0 $reader"
	finish
}

# persons_signal SIGNAL: reaches nixos-rebuild and is recorded as interrupted.
persons_signal() {
	# shellcheck disable=SC2016
	export DOUBLE='trap "echo got INT; exit 130" INT; trap "echo got TERM; exit 143" TERM
		touch "$ROOT/started"; while :; do sleep 0.05; done'
	as_person "$SAFE_REBUILD" switch --flake .
	wait_for test -e "$ROOT/started"
	kill -s "$1" "$(cat "$ROOT/person.pid")"
	wait_for test -s "$ROOT/person.status"
	assert_equal "$(cat "$ROOT/person.status")" "$2"
	assert_contains "$(cat "$ROOT/person.err")" "passed SIG$1 on to nixos-rebuild"
	assert_equal "$(cat "$ROOT/person.out")" "got $1"
	assert_equal "$(field 1 outcome)" interrupted
	assert_equal "$(field 1 exit_status)" "$2"
}

@test "a person's INT reaches nixos-rebuild" {
	# bash starts background jobs with INT ignored, which children inherit: undo that
	"$(command -v python3)" - <<-'PY'
		import signal
		assert signal.getsignal(signal.SIGINT)
	PY
	SAFE_REBUILD_REAL=$SAFE_REBUILD
	cat >"$ROOT/interruptible" <<-PY
		#!$(command -v python3)
		import os, signal, sys
		signal.signal(signal.SIGINT, signal.SIG_DFL)
		os.execv("$SAFE_REBUILD_REAL", ["safe-rebuild"] + sys.argv[1:])
	PY
	chmod +x "$ROOT/interruptible"
	SAFE_REBUILD=$ROOT/interruptible
	persons_signal INT 130
}

@test "a person's TERM reaches nixos-rebuild" {
	persons_signal TERM 143
}

@test "a person's TERM during an activation ends nixos-rebuild, not the activation" {
	# shellcheck disable=SC2016
	export DOUBLE='mkdir -p "$ROOT/run/nixos" "$ROOT/new"
		echo "activating the configuration..." >&2
		python3 "$ROOT/activation" &
		trap "exit 143" TERM; wait'
	cat >"$ROOT/activation" <<-'PY'
		import fcntl, os, time
		root = os.environ["ROOT"]
		lock = open(root + "/run/nixos/switch-to-configuration.lock", "w")
		fcntl.flock(lock, fcntl.LOCK_EX)
		open(root + "/started", "w")
		while not os.path.exists(root + "/go"):
		    time.sleep(0.05)
		os.symlink(root + "/new", root + "/made")
		os.rename(root + "/made", root + "/run/current-system")
		os.write(2, b"activated\n")
	PY
	as_person "$SAFE_REBUILD" switch --flake .
	wait_for test -e "$ROOT/started"
	kill -TERM "$(cat "$ROOT/person.pid")"
	wait_for grep -q "its activation goes on" "$ROOT/person.err"
	# The turn is kept until it is over.
	run sr --agent b --no-wait switch --flake .
	assert_equal "$status" 75
	touch "$ROOT/go"
	wait_for test -s "$ROOT/person.status"
	assert_equal "$(cat "$ROOT/person.status")" 143
	assert_equal "$(readlink "$ROOT/run/current-system")" "$ROOT/new"
	assert_contains "$(cat "$ROOT/var/log/safe-rebuild/1.log")" activated
	assert_equal "$(field 1 outcome) $(field 1 system_after)" "interrupted $ROOT/new"
	refute_contains "$(cat "$ROOT/person.err")" mixture
}

@test "a person's HUP ends the front only: closing the terminal stops no rebuild" {
	as_person "$SAFE_REBUILD" switch --flake .
	wait_for test -e "$ROOT/started"
	kill -HUP "$(cat "$ROOT/person.pid")"
	wait_for test -s "$ROOT/person.status"
	finish
	assert_equal "$(field 1 outcome)" succeeded
}

@test "a stopped front does not stop the rebuild, and catches up" {
	show_all_output
	# shellcheck disable=SC2016
	export DOUBLE='touch "$ROOT/started"; while [ ! -e "$ROOT/go" ]; do sleep 0.05; done
		for i in $(seq 1 3000); do echo "out $i"; echo "err $i" >&2; done; touch "$ROOT/written"
		while [ ! -e "$ROOT/end" ]; do sleep 0.05; done'
	start_agent
	kill -STOP $front
	touch "$ROOT/go"
	wait_for test -e "$ROOT/written"
	# once while nixos-rebuild is still running, and again when it is over
	kill -CONT $front
	wait_for grep -qx "out 3000" "$ROOT/front.out"
	kill -STOP $front
	touch "$ROOT/end"
	wait_for sh -c '[ "$("$SAFE_REBUILD" show 1 --json | grep -c succeeded)" = 1 ]'
	kill -CONT $front
	wait $front
	seq -f 'out %g' 1 3000 | cmp - "$ROOT/front.out"
	grep '^err' "$ROOT/front.err" | cmp - <(seq -f 'err %g' 1 3000)
}

@test "TERM on the runner itself ends nixos-rebuild and is recorded" {
	start_agent
	runner=$(sed -n 's/^Runner: \([0-9]*\) .*/\1/p' "$ROOT"/run/safe-rebuild/queue/*)
	kill -TERM "$runner"
	wait $front && status=0 || status=$?
	assert_equal "$status" 143
	assert_equal "$(field 1 outcome)" interrupted
}

@test "when the runner is killed the front says so" {
	start_agent
	runner=$(sed -n 's/^Runner: \([0-9]*\) .*/\1/p' "$ROOT"/run/safe-rebuild/queue/*)
	kill -KILL "$runner"
	wait_for grep -q "the runner of build 1 was killed; nixos-rebuild goes on" "$ROOT/front.err"
	touch "$ROOT/go"
	wait $front && status=0 || status=$?
	assert_equal "$status" 125
	assert_contains "$(cat "$ROOT/front.err")" "what became of the rebuild: safe-rebuild status"
	run sr attach 1
	assert_equal "$status" 125
	assert_contains "$output" "build 1 was interrupted"
}

@test "the lock is held by the runner, after the front is gone, until the build has ended" {
	start_agent
	kill -KILL $front
	wait $front || true
	refute flock -n "$ROOT/run/safe-rebuild/lock" true
	finish
	wait_for flock -n "$ROOT/run/safe-rebuild/lock" true
}

@test "a second caller waits and is told for whom" {
	start_agent
	"$SAFE_REBUILD" --agent b switch --flake . >"$ROOT/b.out" 2>"$ROOT/b.err" &
	second=$!
	wait_for grep -q "waiting for build 1 by a (switch --flake .)" "$ROOT/b.err"
	assert_contains "$(sr status)" "waiting:  b (switch --flake .)"
	touch "$ROOT/go"
	wait $second
	assert_equal "$(field 2 agent)" b
	assert_equal "$(field 2 outcome)" succeeded
}

@test "flock(1) on the lock takes part" {
	DOUBLE='' sr --agent a switch
	flock "$ROOT/run/safe-rebuild/lock" sh -c 'touch "$ROOT/locked"; while [ ! -e "$ROOT/unlock" ]; do sleep 0.05; done' &
	wait_for test -e "$ROOT/locked"
	DOUBLE='' "$SAFE_REBUILD" --agent b switch 2>"$ROOT/b.err" &
	second=$!
	wait_for grep -q "waiting for flock (pid [0-9]*), who holds the lock directly" "$ROOT/b.err"
	touch "$ROOT/unlock"
	wait $second
}

@test "nohup: a HUP that the caller ignores ends nothing" {
	nohup "$SAFE_REBUILD" --agent a switch --flake . >"$ROOT/front.out" 2>&1 &
	front=$!
	wait_for test -e "$ROOT/started"
	kill -HUP $front
	touch "$ROOT/go"
	wait $front
	assert_contains "$(cat "$ROOT/front.out")" "switch succeeded"
}

@test "a caller's other descriptors do not live on in what it leaves behind" {
	mkfifo "$ROOT/pipe"
	timeout 20 cat "$ROOT/pipe" >/dev/null &
	reader=$!
	"$SAFE_REBUILD" --agent a switch --flake . >/dev/null 2>&1 7>"$ROOT/pipe" &
	front=$!
	wait_for test -e "$ROOT/started"
	kill -KILL $front
	wait_for sh -c "! kill -0 $reader"
	finish
}
