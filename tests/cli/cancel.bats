load helpers

prepare() {
	make_repository
	cd "$CONFIG" || return
	export QUEUE=$ROOT/run/safe-rebuild/queue
	# shellcheck disable=SC2016
	export DOUBLE='echo "$SAFE_REBUILD_AGENT" >>"$ROOT/order"; touch "$ROOT/started"
		sleep 0.1 & while [ ! -e "$ROOT/go" ]; do sleep 0.02; done; touch "$ROOT/done"'
}

# call AGENT [WORDS ...]: in the background; outputs in $ROOT/AGENT.*, its pid in $pid.
call() {
	SAFE_REBUILD_AGENT=$1 "$SAFE_REBUILD" "${@:2}" switch --flake . >"$ROOT/$1.out" 2>"$ROOT/$1.err" &
	pid=$!
}

builds() {
	call "$@"
	wait_for test -e "$ROOT/started"
}

waits() {
	call "$@"
	wait_for grep -q "waiting for" "$ROOT/$1.err"
}

# person WORDS ...: calls as one who is no agent; fills $output, $errors and $status.
person() {
	as_person "$SAFE_REBUILD" "$@"
	wait_for test -s "$ROOT/person.status"
	output=$(cat "$ROOT/person.out")
	errors=$(cat "$ROOT/person.err")
	status=$(cat "$ROOT/person.status")
}

@test "my own build ends, is recorded as cancelled, and its call says why" {
	builds a
	run --separate-stderr sr --agent a --message "wrong branch" cancel
	assert_equal "$status" 0
	assert_like "$output" "cancelled: build 1 by a: switch cancelled by a: \"wrong branch\", *"
	wait $pid && status=0 || status=$?
	assert_equal "$status" 143
	assert_contains "$(cat "$ROOT/a.err")" 'safe-rebuild: cancelled by a: "wrong branch"'
	assert_like "$(tail -n 1 "$ROOT/a.err")" "switch cancelled: build 1, * s, signal 15"
	assert_equal "$(field 1 outcome)" cancelled
	assert_equal "$(field 1 cancelled_by)" 'a: "wrong branch"'
	[ ! -e "$ROOT/done" ]
	assert_equal "$(ls "$QUEUE")" ""
}

@test "my own waiting call ends, its place is not kept" {
	builds a
	waits b
	b=$pid
	waits c
	run --separate-stderr sr --agent b cancel
	assert_equal "$status" 0
	assert_like "$output" "cancelled: b (switch --flake .), waiting for * s"
	wait $b && status=0 || status=$?
	assert_equal "$status" 143
	assert_equal "$(tail -n 1 "$ROOT/b.err")" \
		"safe-rebuild: cancelled by b while waiting: nothing was built"
	touch "$ROOT/go"
	wait
	assert_equal "$(tr '\n' ' ' <"$ROOT/order")" "a c "
	assert_equal "$(ls "$QUEUE")" ""
}

@test "an agent cannot cancel another's" {
	builds a
	run sr --agent b --message "mine is urgent" cancel 1
	assert_equal "$status" 77
	assert_equal "$output" \
		"safe-rebuild: this run belongs to a: only a person or a may cancel it; ask your user"
	run sr --agent b --message "mine is urgent" cancel @a
	assert_equal "$status" 77
	touch "$ROOT/go"
	wait
	assert_equal "$(field 1 outcome)" succeeded
}

@test "a person can, by number or agent, and has to say why" {
	builds a
	waits b
	person cancel 1
	assert_equal "$status" 64
	assert_contains "$errors" "this run belongs to a: tell them why, with --message WHY"
	person --message "server is going down" cancel @b
	assert_equal "$status" 0
	assert_contains "$output" "cancelled: b (switch"
	person --message "server is going down" cancel 1
	assert_equal "$status" 0
	assert_like "$output" "cancelled: build 1 by a: switch cancelled"
	wait
	assert_contains "$(cat "$ROOT/a.err")" ': "server is going down"'
	assert_contains "$(cat "$ROOT/b.err")" ': "server is going down" while waiting: nothing was built'
}

@test "refused once activation began, by what nixos-rebuild says" {
	# shellcheck disable=SC2016
	DOUBLE='echo "activating the configuration..." >&2;'" $DOUBLE" builds a
	wait_for grep -q "Phase: activating" "$QUEUE"/*
	run sr --agent a --message no cancel
	assert_equal "$status" 65
	assert_equal "$output" \
		"safe-rebuild: not cancelled: activation has begun (safe-rebuild attach follows it)"
	assert_contains "$(cat "$ROOT/a.err")" 'not cancelled, because activation has begun; asked by a: "no"'
	touch "$ROOT/go"
	wait $pid
	assert_equal "$(field 1 outcome)" succeeded
	assert_equal "$(ls "$QUEUE")" ""
}

@test "refused once the profile is another one, which comes before" {
	# shellcheck disable=SC2016
	DOUBLE='mkdir -p "$ROOT/made"; ln -sfn "$ROOT/made" "$ROOT/nix/var/nix/profiles/system";'" $DOUBLE" builds a
	run sr --agent a cancel
	assert_equal "$status" 65
	touch "$ROOT/go"
	wait $pid
}

@test "all of the build's processes end" {
	# shellcheck disable=SC2016
	DOUBLE='sh -c "echo \$\$ >\"\$ROOT/inner\"; sleep 60" & touch "$ROOT/started"; wait' builds a
	wait_for test -s "$ROOT/inner"
	sr --agent a cancel
	wait_for sh -c '! kill -0 "$(cat "$ROOT/inner")"'
}

@test "what ends on its own, what does not exist, and rubbish" {
	run sr --agent a cancel
	assert_equal "$status" 125
	assert_equal "$output" "safe-rebuild: you (a) have no build that runs or waits"
	run sr --agent a cancel 7
	assert_equal "$output" "safe-rebuild: '7' neither runs nor waits (what became of it: safe-rebuild log)"
	run sr --agent a cancel last
	assert_equal "$status" 64
	assert_contains "$output" "'last' is neither a build number, such as 43, nor @AGENT"
	run sr --agent a cancel 1 2
	assert_equal "$status" 64
	# ends well although it was told to end
	# shellcheck disable=SC2016
	DOUBLE='trap "exit 0" TERM;'" $DOUBLE" builds a
	run sr --agent a cancel
	assert_equal "$status" 65
	assert_contains "$output" "it ended before it could be cancelled: build 1 by a: switch succeeded"
	wait $pid
	assert_equal "$(field 1 outcome)" succeeded
}

@test "a runner that was stopped is not waited for for ever" {
	builds a
	runner=$(sed -n 's/^Runner: \([0-9]*\) .*/\1/p' "$QUEUE"/*)
	kill -STOP "$runner"
	run timeout 30 "$SAFE_REBUILD" --agent a cancel
	kill -CONT "$runner"
	assert_equal "$status" 75
	assert_contains "$output" "no answer, and it still runs"
	touch "$ROOT/go"
	wait $pid
	assert_equal "$(field 1 outcome)" succeeded
	assert_equal "$(ls "$QUEUE")" ""
}

@test "also of another target" {
	call a switch -p other
	wait_for test -e "$ROOT/started"
	run sr --agent a cancel 1
	assert_equal "$status" 0
	wait $pid && status=0 || status=$?
	assert_equal "$status" 143
}

@test "refused while NixOS' own lock is held, which tells when nothing else does" {
	mkdir -p "$ROOT/run/nixos"
	# shellcheck disable=SC2016
	DOUBLE='flock "$ROOT/run/nixos/switch-to-configuration.lock" sh -c "touch \"$ROOT/started\"
		while [ ! -e \"$ROOT/go\" ]; do sleep 0.02; done"' \
		"$SAFE_REBUILD" --agent a test --flake . >/dev/null 2>&1 &
	wait_for test -e "$ROOT/started"
	run sr --agent a cancel
	assert_equal "$status" 65
	touch "$ROOT/go"
	wait
}
