load helpers

prepare() {
	make_repository
	cd "$CONFIG"
}

arguments() {
	tr '\0' '\n' <"$ROOT/arguments"
}

@test "own options are taken out wherever they stand, the rest passes byte for byte" {
	sr --agent a switch --message "why not" --flake '.#box' --option x 'a b' --wait 10m --no-wait \
		$'odd\narg' '' -- --agent b
	expected=$(printf '%s\n' switch --flake '.#box' --option x 'a b' $'odd\narg' '' -- --agent b)
	assert_equal "$(arguments)" "$expected"
	assert_equal "$(field last agent)" a
	assert_equal "$(field last message)" "why not"
}

@test "own options by =, and wrong ones" {
	sr --agent=a switch --message=x
	assert_equal "$(arguments)" switch
	run sr --agent
	assert_equal "$status" 64
	assert_equal "$output" "safe-rebuild: --agent wants NAME"
	run sr --agent a/b switch
	assert_equal "$status" 64
	run sr --wait soon switch
	assert_equal "$status" 64
	assert_contains "$output" "'soon' is not a duration"
	run sr --allow-undo none switch
	assert_equal "$status" 64
	run sr --no-wait=1 switch
	assert_equal "$status" 64
	run sr
	assert_equal "$status" 64
}

@test "own options come from variables too, the command line wins" {
	SAFE_REBUILD_AGENT=a SAFE_REBUILD_MESSAGE=m sr switch
	assert_equal "$(field last agent)" a
	assert_equal "$(field last message)" m
	SAFE_REBUILD_AGENT=a sr switch --agent b
	assert_equal "$(field last agent)" b
}

@test "stdout is nixos-rebuild's, byte for byte; our words go to stderr" {
	show_all_output
	export DOUBLE='printf "one\ntwo\0three\377"; echo err >&2'
	sr --agent a switch >"$ROOT/out" 2>"$ROOT/err"
	printf 'one\ntwo\0three\377' | cmp - "$ROOT/out"
	assert_contains "$(cat "$ROOT/err")" "err"
	assert_contains "$(cat "$ROOT/err")" "safe-rebuild: switch succeeded: build 1"
}

@test "a megabyte on each stream arrives whole and in order" {
	show_all_output
	export DOUBLE='seq 1 150000; seq 1 150000 >&2'
	sr --agent a switch >"$ROOT/out" 2>"$ROOT/err"
	seq 1 150000 | cmp - "$ROOT/out"
	grep -v '^safe-rebuild:' "$ROOT/err" | cmp - <(seq 1 150000)
}

@test "the exit status is passed through and recorded" {
	export DOUBLE='exit 7'
	run sr --agent a switch
	assert_equal "$status" 7
	assert_like "$output" "switch failed: build 1, * s, exit status 7"
	assert_equal "$(field last outcome)" failed
	assert_equal "$(field last exit_status)" 7
}

@test "death by a signal is 128+n" {
	export DOUBLE='kill -KILL $$'
	run sr --agent a switch
	assert_equal "$status" 137
	assert_equal "$(field last exit_status)" 137
	assert_equal "$(field last outcome)" interrupted
}

@test "nixos-rebuild gets the caller's umask, directory, stdin and signal mask" {
	export DOUBLE='umask; pwd; cat; grep SigBlk /proc/self/status; exec ls -l /proc/self/fd'
	umask 027
	echo input | sr --agent a switch >"$ROOT/out" 2>/dev/null
	assert_equal "$(sed -n 1p "$ROOT/out")" 0027
	assert_equal "$(sed -n 2p "$ROOT/out")" "$CONFIG"
	assert_equal "$(sed -n 3p "$ROOT/out")" input
	assert_equal "$(sed -n 4p "$ROOT/out")" "$(printf 'SigBlk:\t0000000000000000')"
	# stdin, stdout, stderr, and the directory that ls itself reads
	assert_equal "$(tail -n +5 "$ROOT/out" | grep -c -- '->')" 4
}

@test "it is not found, or cannot run" {
	rm "$ROOT/bin/nixos-rebuild"
	PATH=$ROOT/bin:/usr/bin:/bin run -127 sr --agent a switch
	assert_equal "$output" "safe-rebuild: cannot find 'nixos-rebuild' in PATH"
	echo text >"$ROOT/bin/nixos-rebuild"
	run sr --agent a switch
	assert_equal "$status" 126
	printf '#!/no/such/interpreter\n' >"$ROOT/bin/nixos-rebuild"
	chmod +x "$ROOT/bin/nixos-rebuild"
	run -127 sr --agent a switch
	assert_equal "$(field last outcome)" failed
}

@test "it never finds itself, under whatever name" {
	mkdir "$ROOT/shim" "$ROOT/shim2"
	ln -s "$SAFE_REBUILD" "$ROOT/shim/nixos-rebuild"
	cp "$SAFE_REBUILD" "$ROOT/shim2/safe-rebuild"
	ln -s safe-rebuild "$ROOT/shim2/nixos-rebuild"
	export DOUBLE='echo real'
	PATH=$ROOT/shim:$ROOT/shim2:$PATH run --separate-stderr nixos-rebuild switch
	assert_equal "$status" 0
	assert_equal "$output" real
	assert_contains "$stderr" "switch succeeded: build 1"
}

@test "as nixos-rebuild it is the drop-in alone" {
	mkdir "$ROOT/shim"
	ln -s "$SAFE_REBUILD" "$ROOT/shim/nixos-rebuild"
	SAFE_REBUILD_AGENT=x "$ROOT/shim/nixos-rebuild" switch --agent status
	assert_equal "$(arguments)" "$(printf '%s\n' switch --agent status)"
	assert_equal "$(field last agent)" x
	# "status" is no command of nixos-rebuild: it complains itself
	DOUBLE='exit 2' run "$ROOT/shim/nixos-rebuild" status
	assert_equal "$status" 2
}

@test "edit, repl, list-generations, --help and no action go straight through" {
	for words in edit repl list-generations "switch --help" "--flake switch"; do
		# shellcheck disable=SC2086
		run sr $words
		assert_equal "$status" 0
		assert_equal "$output" ""
	done
	[ ! -e "$STATE" ]
}

@test "the record: commit, state, times, configuration" {
	sr --agent a switch --flake "$CONFIG#box"
	assert_equal "$(field 1 config)" "git+file://$CONFIG#box"
	assert_equal "$(field 1 config_commit)" "$(git rev-parse HEAD)"
	assert_equal "$(field 1 config_state)" clean
	assert_equal "$(field 1 action)" switch
	assert_equal "$(field 1 command)" "switch --flake '$CONFIG#box'"
	echo '# x' >>flake.nix
	sr --agent a switch --flake "$CONFIG#box"
	assert_equal "$(field 2 config_state)" dirty
	[[ $(field 2 started) =~ ^[0-9-]{10}T[0-9:]{8}[+-][0-9]{2}:[0-9]{2}$ ]]
}

@test "what changed while it was building is named and recorded" {
	export DOUBLE='echo "# meanwhile" >>flake.nix'
	run sr --agent a switch --flake .
	assert_like "$output" "changed while building: flake.nix (saved *)"
	assert_equal "$(field 1 changed_while_building)" flake.nix
}

@test "a daemon that keeps the pipes open does not keep the run" {
	export DOUBLE='sleep 60 & echo $! >"$ROOT/daemon"; echo done'
	run timeout 10 "$SAFE_REBUILD" --agent a switch
	kill "$(cat "$ROOT/daemon")"
	assert_equal "$status" 0
	assert_contains "$output" done
}

@test "a remote flake, a store path, a rollback have no snapshot, and that is said" {
	run sr --agent a switch --flake github:a/b#c
	assert_contains "$output" "no snapshot: the flake is not on this machine (github:a/b#c)"
	assert_equal "$(field 1 config_state)" none
	run sr --agent a switch --flake nixpkgs
	assert_contains "$output" "the flake registry decides what this is"
	run sr --agent a switch --store-path /nix/store/x
	assert_contains "$output" "it is built already"
	run sr --agent a switch --rollback
	assert_contains "$output" "a rollback builds no configuration"
	assert_equal "$(field last build)" 4
}

@test "old logs go, the newest [log] keep stay" {
	printf '[log]\nkeep = 2\n' >>"$SAFE_REBUILD_SETTINGS"
	for _ in 1 2 3 4; do sr --agent a switch 2>/dev/null; done
	assert_equal "$(ls "$ROOT/var/log/safe-rebuild")" "$(printf '3.log\n4.log')"
	# One that is being written is no old one, however many ran beside it.
	# shellcheck disable=SC2016
	DOUBLE='touch "$ROOT/started"; while [ ! -e "$ROOT/go" ]; do sleep 0.05; done' sr --agent b switch >/dev/null 2>&1 &
	wait_for test -e "$ROOT/started"
	for _ in 1 2 3; do sr --agent a build 2>/dev/null; done
	assert_equal "$(ls "$ROOT/var/log/safe-rebuild")" "$(printf '5.log\n7.log\n8.log')"
	touch "$ROOT/go"
	wait
}

@test "a closed stdout or stderr does not break the rebuild" {
	export DOUBLE='seq 1 100000; echo finished >"$ROOT/finished"'
	sr --agent a switch 2>/dev/null | head -n 1
	wait_for test -e "$ROOT/finished"
	sr --agent a switch >/dev/null 2>&-
	wait_for test "$(field last build)" = 2
	assert_equal "$(field last outcome)" succeeded
}

@test "secrets of the command line are passed on, and neither recorded nor shown" {
	run sr --agent a switch --flake . --option access-tokens github.com=s3cret --extra-password=s3cret --ask-sudo-password
	assert_contains "$(tr '\0' ' ' <"$ROOT/arguments")" "--option access-tokens github.com=s3cret --extra-password=s3cret"
	assert_equal "$(field 1 command)" "switch --flake . --option access-tokens ... --extra-password=... --ask-sudo-password"
	run sr --agent a exec -- sh -c true --password hunter2 --impure
	assert_equal "$(field 2 command)" "exec -- sh -c true --password ... --impure"
	# what only looks like one hides nothing
	run sr --agent a switch --flake .#token-box --impure
	assert_equal "$(field 3 command)" "switch --flake '.#token-box' --impure"
	refute grep -rq s3cret "$ROOT/var" "$ROOT/run"
}
