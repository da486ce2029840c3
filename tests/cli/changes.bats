load helpers

prepare() {
	make_repository
	cd "$CONFIG"
}

# build AGENT [OPTIONS ...]: prints what it was told.
build() {
	sr --agent "$1" "${@:2}" switch --flake . 2>&1 >/dev/null
}

@test "the first build of all says that there is nothing to compare with" {
	assert_contains "$(build a)" "nothing is recorded yet that this could be compared with"
}

@test "alone and nothing foreign: one line" {
	build a
	assert_like "$(build a)" "since your build 1 (*): nothing has changed"
	echo '# x' >>flake.nix
	echo new >new.nix
	git add new.nix
	assert_like "$(build a)" \
		"since your build 2 (*): 2 files not built yet: M flake.nix, A new.nix"
	git rm -qf new.nix
	assert_contains "$(build a)" "1 file not built yet: D new.nix"
	assert_equal "$(build a | grep -c since)" 1
}

@test "each path belongs to the oldest build whose entry equals mine" {
	build a
	echo one >one.nix
	git add one.nix
	build b --message "adds one"
	echo two >two.nix
	git add two.nix
	build c
	echo mine >mine.nix
	git add mine.nix
	told=$(build a)
	assert_like "$told" "since your build 1 (*): 2 builds by others with 2 files; 1 file not built yet"
	assert_equal "$(grep -A1 'build 2 by b' <<<"$told" | tail -n 1)" "safe-rebuild:     A one.nix +1"
	assert_equal "$(grep -A1 'build 3 by c' <<<"$told" | tail -n 1)" "safe-rebuild:     A two.nix +1"
	assert_equal "$(grep -A1 'not built yet:$' <<<"$told" | tail -n 1)" "safe-rebuild:     A mine.nix +1"
	assert_contains "$told" ': "adds one"'
}

@test "what another changed and a third changed again belongs to the third" {
	build a
	echo '# b' >>flake.nix
	build b
	echo '# c' >>flake.nix
	build c
	told=$(build a)
	assert_equal "$(grep -A1 'build 3 by c' <<<"$told" | tail -n 1)" "safe-rebuild:     M flake.nix +2"
	assert_contains "$told" "build 2 by b"
}

@test "a change that was undone again is no change, its builds are named" {
	build a
	echo '# b' >>flake.nix
	build b
	git checkout -q flake.nix
	told=$(build a)
	assert_contains "$told" "nothing has changed (1 build by others since then)"
}

@test "a new agent is compared with what was live when its session began" {
	mkdir -p "$ROOT/run"
	# Every switch makes another system.
	# shellcheck disable=SC2016
	export DOUBLE='ln -sfn /nix/store/$(date +%N)-system "$ROOT/run/current-system"'
	build a
	cat >"$ROOT/session" <<-'SH'
		#!/bin/bash
		# An agent's process: it waits, while others build, and then builds itself.
		while [ ! -e "$ROOT/go" ]; do sleep 0.1; done
		OPENCODE=1 "$SAFE_REBUILD" switch --flake . >"$ROOT/told" 2>&1
		touch "$ROOT/over"
	SH
	chmod +x "$ROOT/session"
	sleep 1.1
	"$ROOT/session" 3>&- &
	sleep 1.1
	echo '# b' >>flake.nix
	build b
	touch "$ROOT/go"
	wait_for test -e "$ROOT/over"
	told=$(cat "$ROOT/told")
	assert_contains "$told" "no build of yours yet; since build 1 by a, live when your session began"
	assert_contains "$told" "build 2 by b"
	assert_contains "$told" "M flake.nix +1"
}

@test "a session older than the ledger is compared with its oldest build" {
	export DOUBLE='exit 1'
	build a || true
	echo '# b' >>flake.nix
	build b || true
	told=$(build new || true)
	assert_contains "$told" "no build of yours yet; since build 1 by a, the oldest recorded"
	assert_contains "$told" "build 2 by b: switch failed"
}

@test "other targets are another history" {
	build a
	echo '# p' >>flake.nix
	sr --agent b switch -p other --flake .
	told=$(build a)
	refute_contains "$told" "by b"
	assert_contains "$told" "1 file not built yet: M flake.nix"
	sr --agent a switch --target-host root@server.example --flake .
	assert_equal "$(field last target)" "host-root%40server.example"
}

@test "lists are bounded by [show] lines, diff has them all" {
	printf '[show]\nlines = 10\n' >>"$SAFE_REBUILD_SETTINGS"
	build a
	mkdir many
	for i in $(seq -w 1 50); do echo "$i" >"many/$i.nix"; done
	git add many
	build b
	told=$(build a)
	assert_contains "$told" "and 41 more: safe-rebuild diff"
	[ "$(wc -l <<<"$told")" -lt 16 ]
}

@test "[show] changes = names and patch" {
	build a
	echo '# b' >>flake.nix
	build b
	echo '# c' >>flake.nix
	printf '[show]\nchanges = patch\n' >>"$SAFE_REBUILD_SETTINGS"
	assert_contains "$(build a)" "+# c"
	sed -i 's/^changes = .*/changes = names/' "$SAFE_REBUILD_SETTINGS"
	echo '# d' >>flake.nix
	build b
	assert_equal "$(build a | grep 'M flake')" "safe-rebuild:     M flake.nix"
}

@test "foreign text cannot drive the terminal or forge a line" {
	build a
	printf 'x' >$'esc\e[31m\nsafe-rebuild: forged.nix'
	git add .
	build b --message $'\e[2Jcleared\nsafe-rebuild: switch succeeded \xe2\x80\xae'
	told=$(build a)
	refute_contains "$told" $'\e'
	refute_contains "$told" $'\xe2\x80\xae'
	! grep -q '^safe-rebuild: switch succeeded *$' <<<"$told"
	! grep -q '^safe-rebuild: forged' <<<"$told"
	assert_contains "$told" 'esc\x1b[31m\nsafe-rebuild: forged.nix'
}
