# What a run's end means: told by what the machine is now, not by a number.
load helpers

prepare() {
	make_repository
	cd "$CONFIG"
	mkdir -p "$ROOT/nix/var/nix/profiles" "$ROOT/new" "$ROOT/old"
	ln -sfn "$ROOT/old" "$ROOT/run/current-system"
	ln -sfn system-1-link "$ROOT/nix/var/nix/profiles/system"
	ln -sfn "$ROOT/old" "$ROOT/nix/var/nix/profiles/system-1-link"
	# What nixos-rebuild does, step by step: profile 2, running new, units "a.service b.service".
	cat >"$ROOT/bin/step" <<-'SH'
		#!/bin/sh
		case $1 in
		profile)
			ln -sfn "$ROOT/new" "$ROOT/nix/var/nix/profiles/system-$2-link"
			ln -sfn "system-$2-link" "$ROOT/nix/var/nix/profiles/system" ;;
		running) ln -sfn "$ROOT/$2" "$ROOT/run/current-system" ;;
		units) printf "%s loaded failed failed A thing\n" $2 >"$ROOT/units" ;;
		esac
	SH
	# A systemctl with the failed units of $ROOT/units.
	cat >"$ROOT/bin/systemctl" <<-'SH'
		#!/bin/sh
		echo "$@" >>"$ROOT/systemctl"
		cat "$ROOT/units" 2>/dev/null || exit 1
	SH
	chmod 755 "$ROOT/bin/step" "$ROOT/bin/systemctl"
}

# switch STATUS EXPECTED [ACTION]: nixos-rebuild is $DOUBLE.
switch() {
	run sr --agent a "${3:-switch}" --flake .
	assert_equal "$status" "$1"
	assert_equal "$(field last outcome)" "$2"
}

@test "exit 3 after the system was switched: in part" {
	DOUBLE='step profile 2; echo "activating the configuration..." >&2; step running new; exit 3' \
		switch 3 partly
	assert_like "${lines[-1]}" "switch partly succeeded: build 1, generation 2, *, exit status 3; the new system runs, and boots next"
}

@test "exit 2 and 4 before anything was switched: failed" {
	DOUBLE='step profile 2; exit 2' switch 2 failed
	assert_like "${lines[-1]}" "switch failed: build 1, generation 2, *, exit status 2; but the next boot takes the new system"
	DOUBLE='exit 4' switch 4 failed
	assert_like "${lines[-1]}" "switch failed: build 2, generation 2 (unchanged), *, exit status 4"
	refute_contains "${lines[-1]}" "next boot"
}

@test "a boot loader that could not be installed: what boots next is not known" {
	DOUBLE='step profile 2; echo "Failed to install bootloader" >&2; exit 1' switch 1 failed
	assert_contains "${lines[-1]}" "installing the boot loader failed: what boots next is not known"
	refute_contains "${lines[-1]}" "the next boot takes"
}

@test "an activation that was cut off leaves a mixture" {
	DOUBLE='step profile 2; echo "stopping the following units: nginx.service" >&2; exit 101' \
		switch 101 partly
	assert_contains "${lines[-1]}" "activation had begun and did not finish: what runs is a mixture of two systems"
	DOUBLE='echo "stopping the following units: nginx.service" >&2; exit 101' switch 101 partly test
	assert_contains "${lines[-1]}" "what runs is a mixture"
}

@test "the very system that runs, again, with a unit that fails: no mixture" {
	DOUBLE='step profile 2; step running new' switch 0 succeeded
	DOUBLE='echo "activating the configuration..." >&2; exit 4' switch 4 failed
	refute_contains "$output" "mixture"
	DOUBLE='echo "activating the configuration..." >&2; exit 2' switch 2 failed
	refute_contains "$output" "mixture"
}

@test "the lock of another activation: nothing was begun" {
	DOUBLE='echo "Could not acquire lock" >&2; exit 11' switch 11 failed
	refute_contains "$output" "mixture"
}

@test "units that failed before are told apart from those that fail now, with since when" {
	step units "backup.service"
	DOUBLE='step profile 2; step running new' switch 0 succeeded
	refute_contains "$output" "backup.service"
	DOUBLE='step running old; step units "my-backup.service backup.service web.service"; exit 4' \
		switch 4 partly
	assert_contains "$output" "safe-rebuild: backup.service had already failed before this run, since build 1 by a"
	assert_contains "$output" "safe-rebuild: web.service has failed since this run began: systemctl status web.service"
	assert_contains "$output" "safe-rebuild: my-backup.service has failed since"
	assert_equal "$(field 2 failed_units)" "my-backup.service backup.service web.service"
}

@test "units are asked for only where a system is activated, and no answer costs nothing" {
	DOUBLE=: switch 0 succeeded boot
	DOUBLE=: switch 0 succeeded build
	[ ! -e "$ROOT/systemctl" ]
	printf '#!/bin/sh\nsleep 60\n' >"$ROOT/bin/systemctl"
	DOUBLE=: switch 0 succeeded test
	rm "$ROOT/bin/systemctl"
	DOUBLE=: switch 0 succeeded test
}
