# What a caller sees of nixos-rebuild's output: all of it in its order, or what an agent needs.
load helpers

prepare() {
	make_repository
	cd "$CONFIG"
}

# A person's call with stdout and stderr in one file, $ROOT/both.
together() {
	as_person bash -c '"$@" >"$ROOT/both" 2>&1' - "$SAFE_REBUILD" "$@"
	wait_for test -s "$ROOT/person.status"
}

@test "one file stays one: the result's path stands where nixos-rebuild has put it" {
	export DOUBLE='for i in 1 2 3 4 5; do echo "err $i" >&2; echo "out $i"; done
		printf "Done. The new configuration is " >&2; echo /nix/store/x-system'
	local i
	for i in $(seq 1 20); do
		together switch --flake .
		sed -n '/^err 1/,/^Done/p' "$ROOT/both" >"$ROOT/seen"
		{
			for n in 1 2 3 4 5; do printf 'err %s\nout %s\n' "$n" "$n"; done
			echo "Done. The new configuration is /nix/store/x-system"
		} | cmp - "$ROOT/seen"
		assert_like "$(tail -n 1 "$ROOT/both")" "safe-rebuild: switch succeeded: build $i, *"
	done
}

@test "the last line stands alone, in both files, where stderr ends without a newline" {
	export DOUBLE='printf "Done. The new configuration is " >&2; echo /nix/store/x-system'
	show_all_output
	sr --agent a switch --flake . >"$ROOT/out" 2>"$ROOT/err"
	assert_equal "$(cat "$ROOT/out")" /nix/store/x-system
	grep -q '^safe-rebuild: switch succeeded' "$ROOT/err"
	sr --agent a switch --flake . >"$ROOT/both" 2>&1
	grep -q '^safe-rebuild: switch succeeded' "$ROOT/both"
	grep -q '^safe-rebuild: switch succeeded' "$STATE/../../log/safe-rebuild/2.log"
}

@test "brief: what an agent sees of a success is short and ends with the outcome" {
	export DOUBLE='echo "building the system configuration..." >&2
		echo "these 3 derivations will be built:" >&2
		for i in 1 2 3; do echo "  /nix/store/$i-x.drv" >&2; done
		for i in $(seq 1 1500); do echo "building '"'/nix/store/00000000000000000000000000000000-thing.drv'"'..." >&2; done
		echo "warning: a thing" >&2; echo "warning: a thing" >&2
		echo "activating the configuration..." >&2
		echo "restarting the following units: nginx.service" >&2
		printf "Done. The new configuration is " >&2; echo /nix/store/x-system'
	sr --agent a switch --flake . >"$ROOT/out" 2>"$ROOT/err"
	assert_equal "$(cat "$ROOT/out")" /nix/store/x-system
	sed 's/, [0-9]* s$//; s/log: [^;]*;/log: LOG;/' "$ROOT/err" | tail -n +2 >"$ROOT/seen"
	diff "$ROOT/seen" - <<-'TEXT'
		safe-rebuild: build 1 by a, log: LOG; it goes on if this call ends (safe-rebuild attach 1)
		building the system configuration...
		these 3 derivations will be built:
		warning: a thing
		activating the configuration...
		restarting the following units: nginx.service
		safe-rebuild: switch succeeded: build 1
	TEXT
	[ "$(wc -c <"$ROOT/err")" -lt 1000 ]
	# All of it is in the log, and a person sees it.
	assert_equal "$(grep -c '^building ' "$STATE/../../log/safe-rebuild/1.log")" 1501
	together switch --flake .
	assert_equal "$(grep -c '^building ' "$ROOT/both")" 1501
}

@test "brief: a failure shows the end, and its error and outcome in the last 1,500 bytes" {
	export DOUBLE='for i in $(seq 1 3000); do echo "compiling $i with a long line of words to fill it up" >&2; done
		echo "error: builder for '"'/nix/store/x.drv'"' failed with exit code 2;" >&2
		for i in $(seq 1 25); do echo "       > the log line $i of the builder that failed, it is long enough" >&2; done
		echo "       For full logs, run: nix log /nix/store/x.drv" >&2
		for i in $(seq 1 200); do echo "error: 1 dependencies of derivation $i failed to build" >&2; done
		exit 1'
	run -1 sr --agent a switch --flake .
	[ "${#output}" -lt 10000 ]
	local last
	last=$(tail -c 1500 <<<"$output")
	assert_contains "$last" "error: builder for '/nix/store/x.drv' failed with exit code 2;"
	assert_contains "$last" "> the log line 25 of the builder"
	assert_contains "$last" "safe-rebuild show 1 --output"
	assert_like "$last" "safe-rebuild: switch failed: build 1, *, exit status 1"
	assert_contains "$output" "error: 1 dependencies of derivation 200 failed to build"
	# The same for one who follows it.
	run -1 env SAFE_REBUILD_AGENT=b "$SAFE_REBUILD" attach 1
	[ "${#output}" -lt 10000 ]
	assert_contains "$(tail -c 1500 <<<"$output")" "error: builder for"
	assert_like "$(tail -c 300 <<<"$output")" "safe-rebuild: switch failed: build 1, *, exit status 1"
}

@test "brief: whatever a build prints, at most 10,000 bytes" {
	export DOUBLE='for i in $(seq 1 2000); do echo "warning: number $i $(printf "x%.0s" $(seq 1 5))" >&2; done
		head -c 300000 /dev/zero | tr "\0" "\033" >&2; echo >&2
		head -c 300000 /dev/zero | tr "\0" y >&2; exit 3'
	run -3 sr --agent a switch --flake .
	[ "${#output}" -lt 10000 ]
	assert_contains "$output" "warning: number 1 "
	assert_like "$(tail -c 300 <<<"$output")" "safe-rebuild: switch failed: build 1, *, exit status 3"
	refute_contains "$output" $'\e'
}

@test "brief: [show] output decides for everybody" {
	export DOUBLE='echo "a line of no interest" >&2'
	run sr --agent a switch --flake .
	refute_contains "$output" "of no interest"
	printf '[show]\noutput = brief\n' >>"$ROOT/etc/safe-rebuild.ini"
	together switch --flake .
	refute_contains "$(cat "$ROOT/both")" "of no interest"
	sed -i 's/^output = .*/output = all/' "$ROOT/etc/safe-rebuild.ini"
	run sr --agent a switch --flake .
	assert_contains "$output" "of no interest"
}

@test "a killed runner does not close what an activation writes to" {
	# shellcheck disable=SC2016
	export DOUBLE='touch "$ROOT/started"; while [ ! -e "$ROOT/go" ]; do sleep 0.05; done
		i=0; while [ $i -lt 20000 ]; do echo "line $i" >&2 || exit 9; i=$((i + 1)); done
		echo done >"$ROOT/finished"'
	sr --agent a switch --flake . >"$ROOT/out" 2>"$ROOT/err" &
	local front=$! runner
	wait_for test -e "$ROOT/started"
	runner=$(sed -n 's/^Runner: \([0-9]*\) .*/\1/p' "$ROOT"/run/safe-rebuild/queue/*)
	kill -KILL "$runner"
	touch "$ROOT/go"
	run wait $front
	wait_for test -s "$ROOT/finished"
}

@test "brief: of a long trace its first line and its end" {
	# shellcheck disable=SC2016
	export DOUBLE='echo "error:" >&2
		for i in $(seq 1 400); do printf "       … while evaluating the option %s\n         at /nix/store/x/lib/modules.nix:1:1:\n" "$i" >&2; done
		echo "       error: attribute '"'nonsuch'"' missing" >&2
		echo "       at /etc/nixos/configuration.nix:12:3: $(printf "%0900d" 7)" >&2
		exit 1'
	run -1 sr --agent a switch --flake .
	assert_contains "$(tail -c 1500 <<<"$output")" "error: attribute 'nonsuch' missing"
	assert_contains "$(tail -c 1500 <<<"$output")" "at /etc/nixos/configuration.nix:12:3"
	assert_like "${lines[-1]}" "safe-rebuild: switch failed: build 1, *"
}

@test "brief: the outcome is last although an error is all there is, and behind half a line of stdout" {
	DOUBLE='echo "error: foo" >&2; exit 1' run -1 sr --agent a switch --flake .
	assert_equal "${lines[-2]}" "error: foo"
	assert_like "${lines[-1]}" "safe-rebuild: switch failed: *"
	export DOUBLE='printf /nix/store/x-system'
	sr --agent a switch --flake . >"$ROOT/both" 2>&1
	grep -q '^safe-rebuild: switch succeeded' "$ROOT/both"
}

@test "brief: a bar that is redrawn for ever hides nothing, and our own lines count" {
	# shellcheck disable=SC2016
	export DOUBLE='for i in $(seq 1 300); do printf "\r\033[K[%s/300 built] building something-%s" "$i" "$i" >&2; done
		printf "\r\033[Kerror: real failure here\n" >&2
		for i in $(seq 1 500); do echo "safe-rebuild: a line of a script, number $i" >&2; done; exit 1'
	run -1 sr --agent a switch --flake .
	assert_contains "$output" "error: real failure here"
	[ "${#output}" -lt 10000 ]
	run -1 env SAFE_REBUILD_AGENT=b "$SAFE_REBUILD" attach 1
	assert_contains "$output" "error: real failure here"
}

@test "what cannot be written to stdout is not lost in silence" {
	# shellcheck disable=SC2016
	export DOUBLE='echo /nix/store/path'
	run bash -c '"$SAFE_REBUILD" --agent a build --flake . >/dev/full'
	assert_equal "$status" 120
	assert_contains "$output" "nixos-rebuild's stdout could not be passed on: No space left on device"
	assert_equal "$(field 1 outcome)" succeeded
}

@test "likewise where stdout and stderr are one file, as agents and 2>&1 have it" {
	# shellcheck disable=SC2016
	export DOUBLE='for i in $(seq 2000); do echo "line $i"; echo "line $i" >&2; done; sleep 0.2; echo done >&2'
	run bash -c '"$SAFE_REBUILD" --agent a build --flake . >/dev/full 2>&1'
	assert_equal "$status" 120
	run bash -c 'set -o pipefail; SAFE_REBUILD_AGENT=; "$SAFE_REBUILD" build --flake . 2>&1 | head -1'
	assert_equal "$status" 120
	# The build itself has ended well, and what it says of a failure comes first.
	assert_equal "$(field 1 outcome) $(field 2 outcome)" "succeeded succeeded"
	DOUBLE='echo x; exit 3' run bash -c '"$SAFE_REBUILD" --agent a build --flake . >/dev/full 2>&1'
	assert_equal "$status" 3
}

@test "a log that may not grow any more is said, and costs nothing else" {
	show_all_output
	# shellcheck disable=SC2016
	export DOUBLE='seq 1 100000 >&2; grep SigIgn /proc/self/status >&2'
	# shellcheck disable=SC2016
	bash -c 'ulimit -f 256; exec "$SAFE_REBUILD" --agent a switch --flake .' 2>&1 |
		grep -E '^(safe-rebuild|SigIgn|1|99999|100000)' >"$ROOT/seen"
	[ "$(wc -c <"$ROOT/seen")" -lt 100000 ]
	# nixos-rebuild has its signals as the caller has them
	grep -qx "$(bash -c 'grep SigIgn /proc/self/status')" "$ROOT/seen"
	grep -q "cannot write the log, its rest is lost: File too large" "$ROOT/seen"
	grep -qx 99999 "$ROOT/seen"
	assert_contains "$(tail -n 1 "$ROOT/seen")" "switch succeeded: build 1"
	assert_equal "$(field 1 outcome)" succeeded
}
