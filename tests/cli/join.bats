load helpers

prepare() {
	make_repository
	cd "$CONFIG"
	export QUEUE=$ROOT/run/safe-rebuild/queue
	LINK=$ROOT/nix/var/nix/profiles/system
	CURRENT=$ROOT/run/current-system
	export LINK CURRENT
	# Makes a new system live each time, notes who asked for it, and waits for $ROOT/go.
	# shellcheck disable=SC2016
	export DOUBLE='echo "$SAFE_REBUILD_AGENT" >>"$ROOT/order"; touch "$ROOT/started"
		while [ ! -e "$ROOT/go" ]; do sleep 0.02; done
		made=$ROOT/system-$(wc -l <"$ROOT/order"); mkdir -p "$made"
		ln -sfn "$made" "$LINK"; ln -sfn "$made" "$CURRENT"
		echo "$made"; echo "it is broken here" >&2; exit ${EXIT:-0}'
}

# call AGENT [WORDS ...]: in the background; outputs in $ROOT/AGENT.*, its pid in $pid.
call() {
	SAFE_REBUILD_AGENT=$1 "$SAFE_REBUILD" "${@:2}" >"$ROOT/$1.out" 2>"$ROOT/$1.err" &
	pid=$!
}

waits() {
	call "$@"
	wait_for grep -q "waiting for" "$ROOT/$1.err"
}

# hold: an earlier build occupies the queue, so that those who come now wait together.
hold() {
	call holder exec -- sh -c 'touch "$ROOT/held"; while [ ! -e "$ROOT/release" ]; do sleep 0.02; done'
	wait_for test -e "$ROOT/held"
}

release() {
	touch "$ROOT/release" "$ROOT/go"
	wait
}

built() {
	tr '\n' ' ' <"$ROOT/order"
}

@test "eight callers with one tree cost two builds" {
	call a switch --flake .
	wait_for test -e "$ROOT/started"
	for i in b c d e f g h; do waits $i switch --flake .; done
	release
	assert_equal "$(built)" "a b "
	for i in c d e f g h; do
		assert_equal "$(cat "$ROOT/$i.out")" "$ROOT/system-2"
		assert_like "$(tail -n 1 "$ROOT/$i.err")" \
			"not built again: same configuration and command, begun after you asked: build 2 by b: switch succeeded"
		assert_equal "$(field @$i build)" 2
	done
	assert_equal "$(sr log | wc -l)" 2
	assert_equal "$(ls "$QUEUE")" ""
}

@test "a failure is taken over too: its error again, its exit status" {
	export EXIT=3
	hold
	waits a switch --flake .
	waits b switch --flake .
	b=$pid
	touch "$ROOT/release" "$ROOT/go"
	wait $b && status=0 || status=$?
	assert_equal "$status" 3
	assert_equal "$(built)" "a "
	assert_contains "$(cat "$ROOT/b.err")" "it is broken here"
	assert_contains "$(tail -n 1 "$ROOT/b.err")" "by a: switch partly"
	assert_equal "$(cat "$ROOT/b.out")" "$ROOT/system-1"
}

@test "a build that began before I asked is not taken over" {
	call a switch --flake .
	wait_for test -e "$ROOT/started"
	waits b switch --flake .
	release
	assert_equal "$(built)" "a b "
}

@test "the flake.lock that the build wrote itself does not make the trees differ" {
	export CONFIG
	# shellcheck disable=SC2016
	write_lock='echo "warning: updating lock file" >&2; echo new >"$CONFIG/flake.lock"'
	echo old >flake.lock
	commit_all . "lock"
	hold
	DOUBLE="$write_lock; $DOUBLE" waits a switch --flake .
	waits b switch --flake .
	release
	assert_equal "$(built)" "a "
	assert_contains "$(cat "$ROOT/a.err")" "nixos-rebuild has written flake.lock: it is not committed yet"
	refute_contains "$(cat "$ROOT/a.err")" "changed while building"
}

@test "a flake.lock that somebody else wrote meanwhile does" {
	export CONFIG
	echo old >flake.lock
	commit_all . "lock"
	hold
	# shellcheck disable=SC2016
	DOUBLE='echo new >"$CONFIG/flake.lock";'" $DOUBLE" waits a switch --flake .
	waits b switch --flake .
	release
	assert_equal "$(built)" "a b "
	assert_contains "$(cat "$ROOT/a.err")" "changed while building: flake.lock"
}

# both AGENT-A-WORDS -- AGENT-B-WORDS: two wait together with their own command lines; both
# have to be built.
both() {
	local first=() second=()
	rm -f "$ROOT"/*.err "$ROOT"/{order,started,go,held,release}
	while [ "$1" != -- ]; do first+=("$1"); shift; done
	shift
	second=("$@")
	hold
	waits a "${first[@]}"
	waits b "${second[@]}"
	release
	assert_equal "$(built)" "a b "
}

@test "no join: another command" {
	both switch --flake . -- switch --flake . --show-trace
}

@test "no join: another action" {
	both switch --flake . -- boot --flake .
}

@test "no join: another directory" {
	hold
	waits a switch --flake "$CONFIG"
	cd /
	waits b switch --flake "$CONFIG"
	release
	assert_equal "$(built)" "a b "
}

@test "no join: other Nix variables" {
	hold
	NIX_CONFIG='cores = 1' waits a switch --flake .
	NIX_CONFIG='cores = 2' waits b switch --flake .
	release
	assert_equal "$(built)" "a b "
	# of which nothing is kept but a digest
	run git --git-dir "$LEDGER" grep -i cores refs/heads/builds
	refute_contains "$(git --git-dir "$LEDGER" log refs/heads/builds)" cores
}

@test "variables that only say how a person is asked do not matter" {
	hold
	GIT_EDITOR=true waits a switch --flake .
	GIT_PAGER=cat GIT_TERMINAL_PROMPT=0 waits b switch --flake .
	release
	assert_equal "$(built)" "a "
}

@test "no join: another tree" {
	hold
	waits a switch --flake .
	waits b switch --flake .
	# a takes its snapshot, then the file changes
	touch "$ROOT/release"
	wait_for test -e "$ROOT/started"
	echo '{ outputs = _: { a = 1; }; }' >flake.nix
	touch "$ROOT/go"
	wait
	assert_equal "$(built)" "a b "
}

@test "no join: another user" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	DOUBLE='' sr --agent first switch --flake .
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
	cp "$SAFE_REBUILD" "$ROOT/safe-rebuild"
	printf '[access]\ngroup = nogroup\n' >>"$SAFE_REBUILD_SETTINGS"
	rm -r "$ROOT/run/safe-rebuild" "$STATE"
	DOUBLE='' sr --agent first switch --flake .
	chmod 777 "$ROOT" "$ROOT/run" "$ROOT/nix/var/nix/profiles"
	chown -R nobody "$CONFIG"
	hold
	waits a switch --flake "$CONFIG"
	cd "$CONFIG"
	SAFE_REBUILD=$ROOT/nobody
	printf '#!/bin/sh\nexec setpriv --reuid=nobody --regid=nogroup --clear-groups "%s" "$@"\n' \
		"$ROOT/safe-rebuild" >"$SAFE_REBUILD"
	chmod 755 "$SAFE_REBUILD" "$ROOT/safe-rebuild"
	waits b switch --flake "$CONFIG"
	chmod 666 "$ROOT/order" 2>/dev/null || true
	touch "$ROOT/release"
	wait_for test -e "$ROOT/started"
	chmod 666 "$ROOT/order" "$ROOT/started" "$ROOT/arguments"
	touch "$ROOT/go"
	wait
	assert_equal "$(built)" "a b "
}

@test "no join: what nixos-rebuild looks up anew, or is not pure" {
	for flag in --impure --upgrade --upgrade-all --refresh '--override-input x path:/y' \
		'--update-input x' --recreate-lock-file --upg '--option pure-eval false'; do
		# shellcheck disable=SC2086
		both switch --flake . $flag -- switch --flake . $flag
	done
}

@test "no join: no git flake" {
	mkdir "$ROOT/plain"
	cp flake.nix "$ROOT/plain"
	both switch --flake "path:$ROOT/plain" -- switch --flake "path:$ROOT/plain"
	both switch -- switch
	printf '[guard]\nundo = off\n' >>"$SAFE_REBUILD_SETTINGS"
	both switch --rollback -- switch --rollback
}

@test "no join: what the build made is not live any more" {
	hold
	waits a switch --flake .
	waits c switch --flake . --show-trace
	waits b switch --flake .
	release
	assert_equal "$(built)" "a c b "
}

@test "no join: a build that was cut off by a signal" {
	hold
	# shellcheck disable=SC2016
	DOUBLE='echo "$SAFE_REBUILD_AGENT" >>"$ROOT/order"; kill -TERM $$' waits a switch --flake .
	waits b switch --flake .
	release
	assert_equal "$(built)" "a b "
}

@test "no join: stdout that is too long to be recorded" {
	hold
	DOUBLE="head -c 5000 /dev/zero | tr '\\0' x; $DOUBLE" waits a switch --flake .
	waits b switch --flake .
	release
	assert_equal "$(built)" "a b "
}

@test "no join: another machine, of which nobody here knows what is live" {
	call a switch --flake . --target-host server
	wait_for test -e "$ROOT/started"
	waits b switch --flake . --target-host server
	waits c switch --flake . --target-host server
	release
	assert_equal "$(built)" "a b c "
}

@test "no join: files that the snapshot lacks" {
	echo text >file
	commit_all . "file"
	rm file
	mkfifo file
	both switch --flake . -- switch --flake .
}

@test "no join: the tree changed while it was being built" {
	export CONFIG
	hold
	# shellcheck disable=SC2016
	DOUBLE='echo "$SAFE_REBUILD_AGENT" >>"$ROOT/order"; echo broken >"$CONFIG/flake.nix"; exit 1' \
		waits a switch --flake .
	# shellcheck disable=SC2016
	DOUBLE= waits m exec -- git -C "$CONFIG" checkout -q flake.nix
	waits b switch --flake .
	release
	assert_equal "$(built)" "a b "
}

@test "no following: what is not pure" {
	call a switch --flake . --impure
	wait_for test -e "$ROOT/started"
	SAFE_REBUILD_AGENT=a "$SAFE_REBUILD" switch --flake . --impure 2>"$ROOT/again.err" &
	wait_for grep -q "waiting for build 1" "$ROOT/again.err"
	release
	assert_equal "$(built)" "a a "
}

@test "an agent that repeats its running command follows it" {
	show_all_output
	call a switch --flake .
	first=$pid
	wait_for test -e "$ROOT/started"
	SAFE_REBUILD_AGENT=a "$SAFE_REBUILD" switch --flake . >"$ROOT/again.out" 2>"$ROOT/again.err" &
	again=$!
	wait_for grep -q "your build 1 of the same command and configuration is running already: following it" \
		"$ROOT/again.err"
	kill -KILL $first
	EXIT=0 touch "$ROOT/go"
	wait $again
	assert_equal "$(cat "$ROOT/again.out")" "$ROOT/system-1"
	assert_contains "$(cat "$ROOT/again.err")" "it is broken here"
	assert_contains "$(tail -n 1 "$ROOT/again.err")" "switch succeeded: build 1"
	assert_equal "$(built)" "a "
}

@test "following ends with the call, and the build goes on" {
	call a switch --flake .
	wait_for test -e "$ROOT/started"
	SAFE_REBUILD_AGENT=a "$SAFE_REBUILD" switch --flake . >"$ROOT/again.out" 2>"$ROOT/again.err" &
	again=$!
	wait_for grep -q "following it" "$ROOT/again.err"
	kill -TERM $again
	wait $again && status=0 || status=$?
	assert_equal "$status" 143
	assert_contains "$(tail -n 1 "$ROOT/again.err")" "build 1 goes on: safe-rebuild attach 1"
	release
	assert_equal "$(field 1 outcome)" succeeded
}

@test "not where the configuration has changed since, nor another agent's" {
	call a switch --flake .
	wait_for test -e "$ROOT/started"
	waits b switch --flake .
	echo '{ outputs = _: { a = 1; }; }' >flake.nix
	SAFE_REBUILD_AGENT=a "$SAFE_REBUILD" switch --flake . >"$ROOT/again.out" 2>"$ROOT/again.err" &
	wait_for grep -q "your build 1 of this command is still running, without your latest changes" \
		"$ROOT/again.err"
	wait_for grep -q "waiting for build 1" "$ROOT/again.err"
	release
	assert_equal "$(built)" "a b "
	assert_contains "$(tail -n 1 "$ROOT/again.err")" "not built again"
}
