load helpers

prepare() {
	make_repository
	cd "$CONFIG" || return
	ACTIVATION=$ROOT/run/nixos/switch-to-configuration.lock
	SLICE=$ROOT/sys/system.slice
	QUEUE=$ROOT/run/safe-rebuild/queue
	mkdir -p "$ROOT/run/nixos" "$SLICE"
	export ACTIVATION QUEUE
	# What switch-to-configuration does: it takes NixOS' lock, or fails at once.
	# shellcheck disable=SC2016
	export DOUBLE='flock -n "$ACTIVATION" true || { echo "Could not acquire lock" >&2; exit 11; }
		touch "$ROOT/started"'
}

cleanup() {
	touch "$ROOT/end"
	[ -z "${holder:-}" ] || kill "$holder" 2>/dev/null || true
}

# activate: an activation that nobody has asked us for, until $ROOT/end appears.
activate() {
	# shellcheck disable=SC2016
	flock "$ACTIVATION" sh -c 'touch "$ROOT/activating"; while [ ! -e "$ROOT/end" ]; do sleep 0.02; done' &
	wait_for test -e "$ROOT/activating"
}

@test "an activation that was started outside is waited for" {
	activate
	SAFE_REBUILD_AGENT=a "$SAFE_REBUILD" switch --flake . 2>"$ROOT/a.err" &
	a=$!
	wait_for grep -q "waiting for an activation started outside safe-rebuild: flock (pid [0-9]*, for [0-9]* s)" \
		"$ROOT/a.err"
	[ ! -e "$ROOT/started" ]
	run sr status
	assert_like "${lines[0]}" "building: a (switch --flake .), waiting for what runs outside for * s"
	touch "$ROOT/end"
	wait $a
	[ -e "$ROOT/started" ]
	refute_contains "$(cat "$ROOT/a.err")" "Could not acquire lock"
}

@test "--wait and --no-wait hold for it too, and a signal leaves at once" {
	activate
	run timeout 5 "$SAFE_REBUILD" --agent a --no-wait switch --flake .
	assert_equal "$status" 75
	assert_like "${lines[-1]}" "busy: an activation started outside safe-rebuild: flock (pid *, for * s); try again later"
	run timeout 5 "$SAFE_REBUILD" --agent a --wait 1s switch --flake .
	assert_equal "$status" 75
	assert_contains "${lines[-1]}" "your place is kept for 10 min"
	"$SAFE_REBUILD" --agent a switch --flake . 2>"$ROOT/a.err" &
	a=$!
	wait_for grep -q "waiting for" "$ROOT/a.err"
	kill -TERM $a
	wait $a && status=0 || status=$?
	assert_equal "$status" 143
	"$SAFE_REBUILD" --agent a switch --flake . 2>"$ROOT/a.err" &
	a=$!
	wait_for grep -q "waiting for" "$ROOT/a.err"
	run sr --agent a cancel
	assert_equal "$status" 0
	wait $a && status=0 || status=$?
	assert_equal "$status" 143
}

@test "one who is stopped while waiting for it keeps no lock" {
	activate
	"$SAFE_REBUILD" --agent a switch --flake . 2>"$ROOT/a.err" &
	a=$!
	wait_for grep -q "waiting for" "$ROOT/a.err"
	kill -TSTP $a
	wait_for grep -q "^State:.*stopped" "/proc/$a/status"
	touch "$ROOT/end"
	wait_for flock -n "$ACTIVATION" true
	run timeout 10 "$SAFE_REBUILD" --agent b switch --flake .
	assert_equal "$status" 0
	kill -CONT $a
	wait $a
}

@test "a lock of NixOS that leaked into a daemon is explained" {
	bash -c 'exec 9>>"$ACTIVATION"; flock 9; exec setsid sleep 300' &
	holder=$!
	wait_for sh -c '! flock -n "$ACTIVATION" true'
	# the process that took it is gone, its descriptor lives on in sleep
	run timeout 5 "$SAFE_REBUILD" --agent a --wait 1s switch --flake .
	assert_equal "$status" 75
	assert_like "$output" "waiting for sleep (pid $holder, for * s), which an activation has left behind and which keeps its lock '$ACTIVATION' until it ends"
	"$SAFE_REBUILD" --agent a switch --flake . 2>"$ROOT/a.err" &
	a=$!
	wait_for grep -q "left behind" "$ROOT/a.err"
	kill "$holder"
	wait $a
}

@test "the unit that nixos-rebuild activates in is waited for" {
	unit=$SLICE/nixos-rebuild-switch-to-configuration.service
	mkdir "$unit"
	printf 'populated 1\nfrozen 0\n' >"$unit/cgroup.events"
	"$SAFE_REBUILD" --agent a switch --flake . 2>"$ROOT/a.err" &
	a=$!
	wait_for grep -q "waiting for an activation started outside safe-rebuild: the unit nixos-rebuild-switch-to-configuration.service" \
		"$ROOT/a.err"
	printf 'populated 0\nfrozen 0\n' >"$unit/cgroup.events"
	wait $a
}

@test "a nixos-rebuild that runs outside is named, and not waited for" {
	# shellcheck disable=SC2016
	DOUBLE='while [ ! -e "$ROOT/end" ]; do sleep 0.02; done' nixos-rebuild switch &
	outside=$!
	wait_for grep -q nixos-rebuild /proc/$outside/comm
	run timeout 10 "$SAFE_REBUILD" --agent a switch --flake .
	assert_equal "$status" 0
	assert_like "$output" "warning: nixos-rebuild (pid $outside, for * s) runs outside safe-rebuild: it may activate something at any time"
	touch "$ROOT/end"
	wait $outside
	# neither one of our own runs nor a waiter that was called by that name
	rm "$ROOT/end"
	mkdir "$ROOT/shim"
	ln -s "$SAFE_REBUILD" "$ROOT/shim/nixos-rebuild"
	# shellcheck disable=SC2016
	DOUBLE='touch "$ROOT/inside"; while [ ! -e "$ROOT/end" ]; do sleep 0.02; done' \
		"$SAFE_REBUILD" --agent a switch --flake . -p other 2>/dev/null &
	wait_for test -e "$ROOT/inside"
	# shellcheck disable=SC2016
	DOUBLE='touch "$ROOT/held"; while [ ! -e "$ROOT/end2" ]; do sleep 0.02; done' \
		"$SAFE_REBUILD" --agent b switch --flake . 2>"$ROOT/b.err" &
	wait_for test -e "$ROOT/held"
	SAFE_REBUILD_AGENT=c "$ROOT/shim/nixos-rebuild" switch --flake . 2>"$ROOT/c.err" &
	wait_for grep -q "waiting for build" "$ROOT/c.err"
	touch "$ROOT/end2" "$ROOT/end"
	wait
	refute_contains "$(cat "$ROOT/b.err" "$ROOT/c.err")" "runs outside"
}

@test "in a pid namespace nobody knows, and that is said" {
	unshare --pid --fork --mount-proc true 2>/dev/null || skip "no pid namespaces here"
	run unshare --pid --fork --mount-proc "$SAFE_REBUILD" --agent a switch --flake .
	assert_equal "$status" 0
	refute_contains "$output" "cannot be seen" # there is no NixOS, nothing to be seen
	activate
	run unshare --pid --fork --mount-proc "$SAFE_REBUILD" --agent a switch --flake .
	assert_contains "$output" "cannot see from here whether an activation is running (a pid namespace)"
	assert_equal "$status" 11
	touch "$ROOT/end"
}

@test "an activation that outlived a killed nixos-rebuild belongs to the run" {
	# shellcheck disable=SC2016
	export DOUBLE='setsid flock "$ACTIVATION" sh -c "touch \"\$ROOT/activating\"
			while [ ! -e \"\$ROOT/end\" ]; do sleep 0.02; done
			mkdir \"\$ROOT/made\"; ln -sfn \"\$ROOT/made\" \"\$ROOT/run/current-system\"" \
			>/dev/null 2>&1 </dev/null &
		while [ ! -e "$ROOT/activating" ]; do sleep 0.02; done; kill -KILL $$'
	"$SAFE_REBUILD" --agent a switch --flake . 2>"$ROOT/a.err" &
	a=$!
	wait_for grep -q "nixos-rebuild has ended but its activation goes on: waiting for flock (pid" "$ROOT/a.err"
	run sr --agent b --no-wait switch --flake .
	assert_equal "$status" 75
	touch "$ROOT/end"
	wait $a && status=0 || status=$?
	assert_equal "$status" 137
	assert_equal "$(field 1 outcome)" interrupted
	assert_equal "$(field 1 system_after)" "$ROOT/made"
}

@test "a call from within an activation does not wait for it" {
	# shellcheck disable=SC2016
	run timeout 10 flock "$ACTIVATION" sh -c 'DOUBLE= "$SAFE_REBUILD" --agent a switch --flake .'
	assert_equal "$status" 0
}

@test "a build that fails does not wait for somebody else's activation" {
	activate
	DOUBLE='exit 1' run timeout 10 "$SAFE_REBUILD" --agent a build --flake .
	assert_equal "$status" 1
}
