load helpers

prepare() {
	make_repository
	cd "$CONFIG"
	LOCK=$ROOT/run/safe-rebuild/lock
	QUEUE=$ROOT/run/safe-rebuild/queue
	export LOCK QUEUE
	# Notes who runs; the first one holds the lock until $ROOT/go appears.
	# shellcheck disable=SC2016
	export DOUBLE='echo "$SAFE_REBUILD_AGENT" >>"$ROOT/order"; touch "$ROOT/started"
		while [ ! -e "$ROOT/go" ]; do sleep 0.02; done'
}

# start AGENT [WORDS ...]: a call in the background; its pid in $pid, outputs in $ROOT/AGENT.*.
start() {
	# What an earlier call of that name said must not be taken for this one's words.
	rm -f "$ROOT/$1.out" "$ROOT/$1.err"
	SAFE_REBUILD_AGENT=$1 "$SAFE_REBUILD" "${@:2}" switch --flake . \
		>"$ROOT/$1.out" 2>"$ROOT/$1.err" &
	pid=$!
}

hold() {
	start holder "$@"
	holder=$pid
	wait_for test -e "$ROOT/started"
}

# queued AGENT: starts it and waits until it sleeps in the queue.
queued() {
	start "$@"
	wait_for grep -q "waiting for" "$ROOT/$1.err"
}

order() {
	tr '\n' ' ' <"$ROOT/order"
}

@test "first come, first served" {
	hold
	for i in 1 2 3 4 5 6 7 8; do queued "w$i"; done
	touch "$ROOT/go"
	wait
	assert_equal "$(order)" "holder w1 w2 w3 w4 w5 w6 w7 w8 "
	assert_equal "$(ls "$QUEUE")" ""
}

@test "waiting says who holds it, for what, since when, my place and how long" {
	touch "$ROOT/go"
	start holder
	wait
	rm "$ROOT/go" "$ROOT/started"
	hold --message "add nginx"
	queued first
	queued second
	assert_like "$(cat "$ROOT/first.err")" \
		'waiting for build 2 by holder (switch --flake ., "add nginx"), evaluating for * s'
	assert_contains "$(cat "$ROOT/second.err")" "; place 2 in the queue"
	refute_contains "$(cat "$ROOT/first.err")" "place"
	touch "$ROOT/go"
	wait
}

@test "an agent that will wait long is told so" {
	touch "$ROOT/go"
	start holder
	wait
	# A build of this command that took 14 minutes, as the ledger would tell.
	faketime=$(git --git-dir "$LEDGER" log -1 --format=%B refs/heads/builds |
		sed 's/^Started: .*/Started: 2026-01-01T10:00:00+00:00/; s/^Finished: .*/Finished: 2026-01-01T10:14:00+00:00/')
	commit=$(git --git-dir "$LEDGER" -c user.name=a -c user.email=a@localhost commit-tree \
		-m "$faketime" 'refs/heads/builds^{tree}')
	git --git-dir "$LEDGER" update-ref refs/heads/builds "$commit"
	rm "$ROOT/go" "$ROOT/started"
	hold
	queued agent
	assert_like "$(cat "$ROOT/agent.err")" \
		"; about 1[34] min*: use your longest time limit or run this in the background"
	touch "$ROOT/go"
	wait
}

@test "the phase is told" {
	# shellcheck disable=SC2016
	export DOUBLE='echo "building '"'"'/nix/store/x.drv'"'"'..." >&2; touch "$ROOT/started"
		while [ ! -e "$ROOT/activate" ]; do sleep 0.02; done
		echo "activating the configuration..." >&2; touch "$ROOT/activating"
		while [ ! -e "$ROOT/go" ]; do sleep 0.02; done'
	hold
	wait_for grep -q "Phase: building" "$QUEUE"/*
	queued first
	assert_like "$(cat "$ROOT/first.err")" "), building for * s"
	touch "$ROOT/activate"
	wait_for grep -q "Phase: activating" "$QUEUE"/*
	assert_like "$(sr status)" "building: build 1 by holder (switch --flake .), activating for * s"
	touch "$ROOT/go"
	wait
}

@test "--no-wait: 75 at once, and the last line says who has it" {
	hold
	run timeout 5 "$SAFE_REBUILD" --agent b --no-wait switch --flake .
	assert_equal "$status" 75
	assert_like "${lines[-1]}" "safe-rebuild: busy: build 1 by holder (switch --flake .), * for * s; try again later"
	assert_equal "${#lines[@]}" 1
	touch "$ROOT/go"
	wait
	run sr --agent b --no-wait switch --flake .
	assert_equal "$status" 0
}

@test "--wait: 75 when it is over, the place is kept" {
	hold
	queued b --wait 1s
	wait $pid && status=0 || status=$?
	assert_equal "$status" 75
	assert_contains "$(tail -n 1 "$ROOT/b.err")" "busy: build 1 by holder"
	assert_contains "$(tail -n 1 "$ROOT/b.err")" "your place is kept for 10 min"
	queued c
	queued b
	touch "$ROOT/go"
	wait
	assert_equal "$(order)" "holder b c "
}

@test "the setting [queue] wait is the default" {
	printf '[queue]\nwait = 0\n' >>"$SAFE_REBUILD_SETTINGS"
	hold
	run sr --agent b switch --flake .
	assert_equal "$status" 75
	queued c --wait forever
	touch "$ROOT/go"
	wait
}

# leaves_on SIGNAL STATUS: within 100 ms, and comes back to its place.
leaves_on() {
	hold
	queued b
	b=$pid
	queued c
	before=$(date +%s%N)
	kill -s "$1" $b
	wait $b && status=0 || status=$?
	took=$((($(date +%s%N) - before) / 1000000))
	assert_equal "$status" "$2"
	echo "left within $took ms" # 100 are the aim; the margin is for loaded machines
	[ $took -lt 400 ]
	assert_contains "$(cat "$ROOT/b.err")" "left the queue on SIG$1; your place is kept"
	queued b
	touch "$ROOT/go"
	wait
	assert_equal "$(order)" "holder b c "
}

@test "TERM leaves the queue and keeps the place" {
	leaves_on TERM 143
}

@test "HUP leaves the queue and keeps the place" {
	leaves_on HUP 129
}

@test "a kept place is the agent's own, and ends after ten minutes" {
	hold
	queued b
	kill -TERM $pid
	wait $pid || true
	queued c
	queued d # not b: goes to the end
	sed -i 's/^Left: .*/Left: 2026-01-01T00:00:00+00:00/' "$(grep -l '^Agent: b' "$QUEUE"/*)"
	queued b
	touch "$ROOT/go"
	wait
	assert_equal "$(order)" "holder c d b "
}

@test "a waiter that is stopped lets others pass and comes back" {
	hold
	queued b
	b=$pid
	queued c
	kill -TSTP $b
	wait_for grep -q "^State:.*stopped" "/proc/$b/status"
	touch "$ROOT/go"
	wait_for grep -qx c "$ROOT/order"
	kill -CONT $b
	wait
	assert_equal "$(order)" "holder c b "
}

@test "a waiter that is killed leaves the others in order" {
	hold
	queued a
	queued b
	kill -KILL $pid
	wait $pid || true
	queued c
	touch "$ROOT/go"
	wait
	assert_equal "$(order)" "holder a c "
	assert_equal "$(ls "$QUEUE")" ""
}

@test "a killed runner: its nixos-rebuild is waited for, its build recorded as interrupted" {
	hold
	runner=$(sed -n 's/^Runner: \([0-9]*\) .*/\1/p' "$QUEUE"/*)
	kill -KILL "$runner"
	start b
	wait_for grep -q "waiting for nixos-rebuild (pid [0-9]*) of build 1, whose runner was killed" \
		"$ROOT/b.err"
	assert_equal "$(order)" "holder "
	touch "$ROOT/go"
	wait
	assert_equal "$(order)" "holder b "
	assert_contains "$(cat "$ROOT/b.err")" "build 1 by holder was interrupted: its runner was killed"
	assert_equal "$(field 1 outcome)" interrupted
	assert_equal "$(field 2 outcome)" succeeded
	assert_equal "$(git --git-dir "$LEDGER" for-each-ref refs/running)" ""
}

@test "the ticket of a killed build goes with the first call that begins when its owner has let go of it" {
	"$SAFE_REBUILD" --agent a build --flake . >/dev/null 2>&1 &
	wait_for test -e "$ROOT/started"
	kill_runs
	wait
	touch "$ROOT/go"
	ticket=$(echo "$QUEUE"/*b)
	# A process that is dying holds it for up to 30 ms.
	exec 9<"$ticket"
	flock -n 9
	run -0 sr --agent b switch --flake . 9<&-
	assert_equal "$(echo "$QUEUE"/*)" "$ticket"
	assert_equal "$(field 1 outcome)" running
	exec 9<&-
	run -0 sr --agent b switch --flake .
	assert_equal "$(ls "$QUEUE")" ""
	assert_equal "$(field 1 outcome)" interrupted
}

@test "the storm does not call while a killed process still holds a ticket" {
	run -0 python3 - "$tests/faults" "$SAFE_REBUILD" <<-'PY'
		import fcntl, shutil, sys
		sys.dont_write_bytecode = True
		sys.path.insert(0, sys.argv[1])
		import storm
		place, waited = storm.Place(sys.argv[2]), []
		ticket = open(place.root + "/run/safe-rebuild/queue/0000000000000000001b", "w")
		fcntl.flock(ticket, fcntl.LOCK_EX)
		storm.time.sleep = lambda seconds: (waited.append(seconds), ticket.close())
		storm.wait_for_runners(place)
		shutil.rmtree(place.base)
		assert waited, "it did not wait"
	PY
}

@test "builds do not wait, and nobody waits for them" {
	hold
	DOUBLE='' run timeout 5 "$SAFE_REBUILD" --agent b build --flake .
	assert_equal "$status" 0
	touch "$ROOT/go"
	wait
	rm "$ROOT/go" "$ROOT/started"
	"$SAFE_REBUILD" --agent b build --flake . >/dev/null 2>&1 &
	wait_for test -e "$ROOT/started"
	DOUBLE='' run timeout 5 "$SAFE_REBUILD" --agent c switch --flake .
	assert_equal "$status" 0
	touch "$ROOT/go"
	wait
}

@test "[queue] builds = yes makes them wait" {
	printf '[queue]\nbuilds = yes\n' >>"$SAFE_REBUILD_SETTINGS"
	hold
	run sr --agent b --no-wait build --flake .
	assert_equal "$status" 75
	touch "$ROOT/go"
	wait
}

@test "each target has a queue of its own" {
	hold
	DOUBLE='' run timeout 5 "$SAFE_REBUILD" --agent b switch -p other --flake .
	assert_equal "$status" 0
	DOUBLE='' run timeout 5 "$SAFE_REBUILD" --agent b switch --target-host server --flake .
	assert_equal "$status" 0
	touch "$ROOT/go"
	wait
}

@test "a call from within a build runs straight through" {
	mkdir "$ROOT/shim"
	ln -s "$SAFE_REBUILD" "$ROOT/shim/nixos-rebuild"
	# shellcheck disable=SC2016
	export DOUBLE='if [ -z "$INNER" ]; then INNER=1 "$ROOT/shim/nixos-rebuild" "$@"; exit $?; fi
		echo "inner $*"; exit 7'
	run --separate-stderr timeout 10 "$SAFE_REBUILD" --agent a switch --flake .
	assert_equal "$status" 7
	assert_equal "$output" "inner switch --flake ."
	assert_equal "$(sr log | wc -l)" 1
}

@test "also where the environment was cleared, or sudo stands between" {
	# shellcheck disable=SC2016
	export DOUBLE='if [ -z "$INNER" ]; then
			env -i INNER=1 PATH="$PATH" ROOT="$ROOT" DOUBLE="$DOUBLE" \
				SAFE_REBUILD_SETTINGS="$SAFE_REBUILD_SETTINGS" "$SAFE_REBUILD" switch; exit $?; fi
		echo inner'
	run --separate-stderr timeout 10 "$SAFE_REBUILD" --agent a switch --flake .
	assert_equal "$output" inner
	{ command -v sudo >/dev/null && [ "$(id -u)" = 0 ]; } || skip "needs sudo"
	export DOUBLE="${DOUBLE/env -i/sudo env}"
	run --separate-stderr timeout 10 "$SAFE_REBUILD" --agent a switch --flake .
	assert_equal "$output" inner
}

@test "a variable, or a ticket that names one's shell, makes nobody a part of a build" {
	[ "$(id -u)" = 0 ] || skip "about what root believes"
	# shellcheck disable=SC2016
	export DOUBLE='[ -e "$ROOT/started" ] || { touch "$ROOT/started"; while [ ! -e "$ROOT/go" ]; do sleep 0.05; done; }'
	sr --agent a switch --flake . >/dev/null 2>&1 &
	wait_for test -e "$ROOT/started"
	local ticket queue=$ROOT/run/safe-rebuild/queue
	ticket=$(ls "$queue")
	SAFE_REBUILD_INSIDE=$queue/$ticket run -75 sr --agent b --no-wait switch --flake .
	# A later ticket that its maker keeps locked: it names this shell as a runner.
	local forged=$queue/0$((10#$ticket + 1))
	sed "s/^Runner: .*/Runner: $BASHPID $(sed 's/.*) //' /proc/$BASHPID/stat | cut -d ' ' -f 20)/" \
		"$queue/$ticket" >"$forged"
	exec 8>>"$forged"
	flock 8
	run -75 sr --agent b --no-wait switch --flake .
	exec 8>&-
	touch "$ROOT/go"
	wait
}

@test "two versions of safe-rebuild in PATH do not exec each other for ever" {
	# copies, which neither name nor file give away
	mkdir "$ROOT/one" "$ROOT/two"
	cp "$SAFE_REBUILD" "$ROOT/one/nixos-rebuild"
	cp "$SAFE_REBUILD" "$ROOT/two/nixos-rebuild"
	PATH="$ROOT/one:$ROOT/two:$PATH" run --separate-stderr timeout 20 nixos-rebuild edit
	assert_equal "$status" 127
	assert_contains "$stderr" "is safe-rebuild again, not nixos-rebuild: set [rebuild] command"
	PATH="$ROOT/one:$ROOT/two:$PATH" run --separate-stderr timeout 20 nixos-rebuild switch --flake .
	assert_equal "$status" 127
	assert_contains "$stderr" "switch failed: build 1"
	# a symlink and another version's link are seen through
	ln -sf "$SAFE_REBUILD" "$ROOT/one/nixos-rebuild"
	cp "$SAFE_REBUILD" "$ROOT/two/safe-rebuild"
	ln -sf "$ROOT/two/safe-rebuild" "$ROOT/two/nixos-rebuild"
	DOUBLE='echo real' PATH="$ROOT/one:$ROOT/two:$PATH" run --separate-stderr timeout 20 nixos-rebuild switch --flake .
	assert_equal "$output" real
}

@test "a daemon started in a build queues like everybody else once that is over" {
	# shellcheck disable=SC2016
	DOUBLE='setsid sh -c "while [ ! -e \"\$ROOT/daemon-go\" ]; do sleep 0.02; done
		DOUBLE= \"\$SAFE_REBUILD\" --agent daemon switch >/dev/null 2>\"\$ROOT/daemon.err\"
		touch \"\$ROOT/daemon-done\"" >/dev/null 2>&1 &' sr --agent a switch --flake .
	hold
	touch "$ROOT/daemon-go"
	wait_for grep -q "waiting for build 2 by holder" "$ROOT/daemon.err"
	touch "$ROOT/go"
	wait_for test -e "$ROOT/daemon-done"
	assert_equal "$(field @daemon outcome)" succeeded
}

@test "flock LOCK safe-rebuild does not deadlock, nor does a shell's own lock" {
	DOUBLE='' sr --agent a switch --flake .
	DOUBLE='' run timeout 10 flock "$LOCK" "$SAFE_REBUILD" --agent a switch --flake .
	assert_equal "$status" 0
	# shellcheck disable=SC2016
	DOUBLE='' run timeout 10 bash -c 'exec 9>>"$LOCK"; flock 9; "$SAFE_REBUILD" --agent a switch --flake .'
	assert_equal "$status" 0
	# with another in the queue, who waits for that very lock
	flock "$LOCK" sh -c 'touch "$ROOT/locked"; while [ ! -e "$ROOT/inside" ]; do sleep 0.02; done
		DOUBLE= timeout 10 "$SAFE_REBUILD" --agent inside switch --flake . >/dev/null 2>&1
		echo $? >"$ROOT/inside.status"' &
	wait_for test -e "$ROOT/locked"
	touch "$ROOT/go"
	queued outside
	touch "$ROOT/inside"
	wait
	assert_equal "$(cat "$ROOT/inside.status")" 0
	assert_equal "$(order)" "outside "
}

@test "the lock does not leak into what nixos-rebuild leaves behind" {
	# shellcheck disable=SC2016
	DOUBLE='sleep 30 & echo $! >>"$ROOT/left"
		setsid sh -c "echo \$\$ >>\"\$ROOT/left\"; exec sleep 30" &
		bash -c "sleep 30 & echo \$! >>\"\$ROOT/left\"; disown"
		while [ "$(wc -l <"$ROOT/left")" -lt 3 ]; do sleep 0.02; done' \
		sr --agent a switch --flake .
	run timeout 5 flock -n "$LOCK" echo free
	assert_equal "$output" free
	DOUBLE='' run sr --agent b --no-wait switch --flake .
	assert_equal "$status" 0
	assert_equal "$(ls "$QUEUE")" ""
	xargs kill <"$ROOT/left"
}

@test "status: the holder and the queue, and it disturbs nobody" {
	hold --message "add nginx"
	queued b
	run sr status
	assert_like "${lines[0]}" 'building: build 1 by holder (switch --flake ., "add nginx"), evaluating for * s'
	assert_like "${lines[1]}" "waiting:  b (switch --flake .), waiting for * s; place 1"
	# shellcheck disable=SC2016
	DOUBLE='while [ ! -e "$ROOT/go" ]; do sleep 0.02; done' \
		start other -p extra
	wait_for grep -q "build 2 by other" "$ROOT/other.err"
	assert_like "$(sr status)" "building on profile-extra: build 2 by other (-p extra switch --flake .), evaluating for * s"
	touch "$ROOT/go"
	wait
	for i in $(seq 1 50); do sr status >/dev/null & done
	export DOUBLE=''
	for i in 1 2 3 4 5; do
		run sr --agent "n$i" --no-wait switch --flake .
		assert_equal "$status" 0
	done
	wait
}

@test "status names one who holds the lock by flock(1)" {
	DOUBLE='' sr --agent a switch --flake .
	# shellcheck disable=SC2016
	flock "$LOCK" sh -c 'touch "$ROOT/locked"; while [ ! -e "$ROOT/go" ]; do sleep 0.02; done' &
	wait_for test -e "$ROOT/locked"
	run sr status
	assert_like "${lines[0]}" "building: flock (pid *), who holds the lock directly"
	touch "$ROOT/go"
	wait
	assert_equal "$(sr status | head -n 1)" "building: nobody"
}

@test "one without permission gets 77 and what to do" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	DOUBLE='' sr --agent a switch --flake .
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
	cp "$SAFE_REBUILD" "$ROOT/safe-rebuild"
	run setpriv --reuid=nobody --regid=nogroup --clear-groups "$ROOT/safe-rebuild" switch
	assert_equal "$status" 77
	assert_contains "${lines[-1]}" "no permission to queue in '$ROOT/run/safe-rebuild': use sudo"
}

@test "exec: any command under the same lock, recorded" {
	hold
	run sr --agent b --no-wait exec -- true
	assert_equal "$status" 75
	touch "$ROOT/go"
	wait
	run --separate-stderr sr --agent b --message why exec -- sh -c 'echo "$1"; exit 3' sh 'a b'
	assert_equal "$status" 3
	assert_equal "$output" "a b"
	assert_equal "$(field last command)" "exec -- sh -c 'echo \"\$1\"; exit 3' sh 'a b'"
	assert_equal "$(field last outcome)" failed
	assert_equal "$(field last config_state)" none
	run sr exec
	assert_equal "$status" 64
	run -127 sr exec -- no-such-command
	run -127 timeout 10 "$SAFE_REBUILD" --agent b exec -- "$SAFE_REBUILD" --version
	# a script that rebuilds runs straight through
	printf '#!/bin/sh\n"$SAFE_REBUILD" switch --flake . && echo done\n' >"$ROOT/script"
	chmod +x "$ROOT/script"
	run --separate-stderr timeout 10 "$SAFE_REBUILD" --agent c exec -- "$ROOT/script"
	assert_equal "$output" "done"
	assert_equal "$(field last agent)" c
}
